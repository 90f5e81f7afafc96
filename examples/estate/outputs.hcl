output "orders" {
  description = "Where each environment's orders database is."
  value       = { for name, env in project.shop : name => env.cluster.orders.connection_strings.standard_srv }
}
