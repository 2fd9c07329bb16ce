package test

import "testing"

// OpenWhisk's web actions answer so with a status of their own. It is a failure for other events.
func TestAWebActionsErrorIsAnAnswerForTheGateway(t *testing.T) {
	t.Parallel()
	const page = `{"statusCode":404,"headers":{"Content-Type":"text/plain"},"body":"no such page"}`
	c := deploy(t, sh(`while read event; do echo '{"error":`+page+`}' >&3; done`).with("BOOTSTRAP_MODE", "worker", "BOOTSTRAP_WORKER_PROTOCOL", "actionloop"))
	if got := c.answer(gatewayGet); got != page {
		t.Errorf("got %s", got)
	}
	c.fails(`{}`, "Function.Error", "no such page")
	if got := c.answer(gatewayGet); got != page {
		t.Errorf("after a failure: got %s", got)
	}
	other := deploy(t, sh(`while read event; do echo '{"error":{"message":"no"}}' >&3; done`).with("BOOTSTRAP_MODE", "worker", "BOOTSTRAP_WORKER_PROTOCOL", "actionloop"))
	other.fails(gatewayGet, "Function.Error", "no")
}
