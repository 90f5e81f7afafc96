package kinds

import "maps"

// decodeRestoreJob puts into one word how far a job is, which Atlas answers as a flag for each way to end.
func decodeRestoreJob(answer map[string]any) map[string]any {
	out := maps.Clone(answer)
	out["status"] = "running"
	if answer["finishedAt"] != nil {
		out["status"] = "finished"
	}
	for _, end := range []string{"expired", "cancelled", "failed"} {
		if answer[end] == true {
			out["status"] = end
		}
	}
	return out
}
