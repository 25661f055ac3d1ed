-- The load of the incident: a small POST. wrk asks for it with each request.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"message": "is it the pool?"}'
