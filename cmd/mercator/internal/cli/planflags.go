package cli

import (
	"github.com/spf13/cobra"

	"mercator/plan"
)

// planFlags are the flags that say how a plan is made. They are the same for plan, apply and destroy.
type planFlags struct {
	targets, excludes, replace, allowDestroy, allowAdopt []string
	destroy, noAdopt                                     bool
}

// register defines the flags; destroy leaves out what makes no sense for it.
func (f *planFlags) register(cmd *cobra.Command, destroying bool) {
	flags := cmd.Flags()
	flags.Var(addressFlag{&f.targets, false}, "target", "only this, what is inside, and what it needs; repeatable")
	flags.Var(addressFlag{&f.excludes, false}, "exclude", "all but this and what is inside; repeatable")
	flags.Var(addressFlag{&f.allowDestroy, true}, "allow-destroy", "allow a loss that nobody confirms; repeatable")
	if destroying {
		f.destroy = true
		return
	}
	flags.Var(addressFlag{&f.replace, false}, "replace", "replace this resource; repeatable")
	flags.BoolVar(&f.destroy, "destroy", false, "plan the removal of all that the state owns")
	flags.BoolVar(&f.noAdopt, "no-adopt", false, "objects that exist already are an error, not taken over")
	flags.Var(addressFlag{&f.allowAdopt, true}, "allow-adopt", "allow an adoption that nobody confirms; repeatable")
}

func (f *planFlags) options() plan.Options {
	return plan.Options{
		Destroy: f.destroy, Targets: addresses(f.targets), Excludes: addresses(f.excludes), Replace: addresses(f.replace),
		NoAdopt: f.noAdopt, AllowDestroy: f.allowDestroy, AllowAdopt: f.allowAdopt,
	}
}

// changed returns the first of the flags that was given, which a saved plan does not allow. Variables may be
// given, and must be as they were: a saved plan holds only digests of them.
func (f *planFlags) changed(cmd *cobra.Command) string {
	for _, name := range []string{"target", "exclude", "replace", "destroy", "no-adopt", "allow-destroy", "allow-adopt"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			return name
		}
	}
	return ""
}
