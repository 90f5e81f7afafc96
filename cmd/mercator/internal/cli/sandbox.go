package cli

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"mercator/provider/sandbox"
)

// sandboxFlags are the flags of the sandbox command.
type sandboxFlags struct {
	listen, certFile, data, faults string
	latency                        time.Duration
}

func sandboxCommand(w *World, g *globals) *cobra.Command {
	var f sandboxFlags
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve an embedded Atlas over HTTP",
		Long: "Sandbox serves an Atlas of its own until it is interrupted: the paths, versions, authentication, paging and errors of the real " +
			"Administration API, with clusters that are ready in a second. Terraform, the Atlas CLI and the SDKs can be pointed at it. " +
			"It prints the variables to set. It opens nothing in the real Atlas and takes no real credentials.",
		Example: `  mercator sandbox
  mercator sandbox --listen 127.0.0.1:8443 --tls-cert-file cert.pem
  mercator sandbox --data .mercator/sandbox --latency 80ms`,
		Args:        cobra.NoArgs,
		Annotations: codes("0    ended by Ctrl-C or SIGTERM", codeFailed),
		RunE:        func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), w, newScreen(w, g, w.Stdout)) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on; port 0 means a free one")
	flags.StringVar(&f.certFile, "tls-cert-file", "", "serve HTTPS and write the certificate to `FILE`")
	flags.StringVar(&f.data, "data", "", "keep the data in `DIR`, shared with other processes that do; without it, in memory")
	flags.DurationVar(&f.latency, "latency", 0, "delay every answer by `DURATION`")
	flags.StringVar(&f.faults, "faults", "", "read from `FILE` what is to go wrong")
	return cmd
}

func (f *sandboxFlags) run(ctx context.Context, w *World, s screen) error {
	options := sandbox.Options{Dir: f.data, Latency: f.latency, CreateTime: createTime, UpdateTime: updateTime, DeleteTime: deleteTime}
	if f.latency < 0 {
		return usagef("--latency can't be negative")
	}
	if f.faults != "" {
		file, err := os.Open(f.faults)
		if err != nil {
			return err
		}
		options.Faults, err = sandbox.ParseFaults(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	handler, closeData, err := atlasOf(options)
	if err != nil {
		return err
	}
	err = f.serve(ctx, handler, s)
	return errors.Join(err, closeData())
}

// atlasOf makes the Atlas to serve. One whose data are in a folder is shared with other processes, such as those with
// --sandbox, that use the same folder.
func atlasOf(options sandbox.Options) (http.Handler, func() error, error) {
	if options.Dir == "" {
		server, err := sandbox.New(options)
		if err != nil {
			return nil, nil, err
		}
		return server.Handler(), server.Close, nil
	}
	endpoint, err := sandbox.Attach(options.Dir, options)
	if err != nil {
		return nil, nil, err
	}
	return endpoint.Handler(), endpoint.Close, nil
}

func (f *sandboxFlags) serve(ctx context.Context, handler http.Handler, s screen) error {
	var cert *sandbox.Certificate
	var err error
	if f.certFile != "" {
		if cert, err = sandbox.NewCertificate(); err != nil {
			return err
		}
	}
	endpoint, err := sandbox.Serve(handler, f.listen, cert)
	if err != nil {
		return err
	}
	if cert != nil {
		if err := cert.WriteFile(f.certFile); err != nil {
			return errors.Join(err, endpoint.Close())
		}
	}
	s.printf("# The sandbox is at %s until Ctrl-C.\n", endpoint.URL)
	s.printf("export MONGODB_ATLAS_BASE_URL=%s\n", endpoint.URL)
	s.printf("export MONGODB_ATLAS_ORG_ID=%s\n", sandbox.DefaultOrgID)
	s.printf("export MONGODB_ATLAS_CLIENT_ID=%s\n", sandbox.DefaultClientID)
	s.printf("export MONGODB_ATLAS_CLIENT_SECRET=%s\n", sandbox.DefaultClientSecret)
	if cert != nil {
		s.printf("export SSL_CERT_FILE=%s\n", f.certFile)
	}
	stop := context.AfterFunc(ctx, func() { _ = endpoint.Close() })
	defer stop()
	return endpoint.Wait()
}
