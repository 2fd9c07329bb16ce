# Short links behind the API gateway: where links.txt says so, a call is sent on.
# The file is read once, when the worker starts; then every event, a line, is a
# look-up and one line back. No process is started for it.
BEGIN {
	while ((getline line < "links.txt") > 0)
		if (line !~ /^#/ && split(line, word, " ") == 2) {
			target[word[1]] = word[2]
			links++
		}
	print links + 0 " links" > "/dev/stderr"
	FS = "\"" # then the even fields are JSON's strings, the odd ones what is between
}

{
	gsub(/\\./, " ") # escapes; among them quotes that do not end a string
	if (member("httpMethod") == "") {
		print "This function is for the API gateway." > "/dev/stderr"
		exit 1 # fails the event; the protocol has no other way
	}
	path = member("path")
	if (path in target)
		answer(302, "\"Location\":\"" target[path] "\"", "")
	else
		answer(404, "\"Content-Type\":\"text/plain\"", "There is nothing here.\\n")
}

# The event's string of that name; one deeper down, say in the query, is another's.
function member(name,    i, depth, between) {
	for (i = 1; i < NF; i += 2) {
		between = $i
		depth += gsub(/[{[]/, "", between) - gsub(/[]}]/, "", between)
		if (depth == 1 && $(i + 1) == name && $(i + 2) ~ /^[ \t]*:[ \t]*$/)
			return $(i + 3)
	}
	return ""
}

function answer(status, headers, body) {
	printf "{\"statusCode\":%d,\"headers\":{%s},\"isBase64Encoded\":false,\"body\":\"%s\"}\n", status, headers, body
	fflush() # or awk would keep it until there are 4 KB of answers
}
