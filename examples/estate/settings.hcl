# An estate of three projects, nine clusters of different shapes, and all that guards them.

mercator {
  required_version = ">= 0.1"
}
