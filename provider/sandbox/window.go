package sandbox

import "net/http"

const windowPath = apiRoot + "/groups/{groupId}/maintenanceWindow"

// windowRule leaves the bounds of day and hour to the handler, which has error codes for them.
var windowRule = of(shape{
	"autoDeferOnceEnabled": boolean,
	"dayOfWeek":            integer.need(),
	"hourOfDay":            integer,
	"numberOfDeferrals":    owned,
	"protectedHours":       of(shape{"endHourOfDay": integer.between(0, 23), "startHourOfDay": integer.between(0, 23)}),
	"startASAP":            boolean,
	"timeZoneId":           owned,
})

var windowOperations = []*operation{
	{id: "getGroupMaintenanceWindow", method: "GET", path: windowPath, versions: since("2023-01-01"), limits: "maintenanceWindow", serve: (*Server).getWindow},
	{id: "updateGroupMaintenanceWindow", method: "PATCH", path: windowPath, versions: since("2023-01-01"), limits: "maintenanceWindow", body: &windowRule, serve: (*Server).updateWindow},
	{id: "resetGroupMaintenanceWindow", method: "DELETE", path: windowPath, versions: since("2023-01-01"), limits: "maintenanceWindow", serve: (*Server).resetWindow},
}

// defaultWindow is what a project answers whose window was never set or was reset. No such answer was recorded:
// here the day and the hour are missing.
func defaultWindow() object {
	return object{"autoDeferOnceEnabled": false, "numberOfDeferrals": 0, "startASAP": false, "timeZoneId": "UTC"}
}

func (s *Server) getWindow(c *call) *apiError {
	c.out = c.project.Singles[MaintenanceWindow]
	return nil
}

// updateWindow merges the body into the window and answers nothing. Protected hours without a start and an end are
// none.
func (s *Server) updateWindow(c *call) *apiError {
	in := c.in()
	if day := intOf(in, "dayOfWeek"); day < 1 || day > 7 {
		return fail("ATLAS_INVALID_MAINTENANCE_WINDOW_DAY_OF_WEEK")
	}
	if hour := intOf(in, "hourOfDay"); hour < 0 || hour > 23 {
		return fail("ATLAS_INVALID_MAINTENANCE_WINDOW_HOUR_OF_DAY")
	}
	window := c.project.Singles[MaintenanceWindow]
	for field, value := range in {
		window[field] = value
	}
	setDefault(window, "hourOfDay", 0) // the hour that is taken where none was ever given is not recorded
	if len(objectOf(window, "protectedHours")) == 0 {
		delete(window, "protectedHours")
	}
	c.untyped = true
	return nil
}

func (s *Server) resetWindow(c *call) *apiError {
	c.project.Singles[MaintenanceWindow] = defaultWindow()
	c.status, c.untyped = http.StatusNoContent, true
	return nil
}
