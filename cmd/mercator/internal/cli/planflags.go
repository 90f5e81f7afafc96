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
	flags.Var(addressFlag{&f.targets, false}, "target", "only this resource and what it needs; repeatable")
	flags.Var(addressFlag{&f.excludes, false}, "exclude", "all but this resource; repeatable")
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

// changed reports whether any of the flags was given, which a saved plan does not allow.
func (f *planFlags) changed(cmd *cobra.Command) string {
	for _, name := range []string{"target", "exclude", "replace", "destroy", "no-adopt", "allow-destroy", "allow-adopt", "var", "var-file"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			return name
		}
	}
	return ""
}
