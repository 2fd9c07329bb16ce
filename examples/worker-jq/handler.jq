# Whatever the trigger brings, as the text of a message: {"text":"…"}. One value
# in, one line out: [texts] sees to that, even if there are five texts or none.

def texts:
  if type != "object" then error("an event has to be an object, this is \(type)")
  elif has("httpMethod") then "\(.httpMethod) \(.path)", if .isBase64Encoded then .body | @base64d else .body end
  elif .trigger_type == "TIMER" then .user_event
  elif has("Records") then .Records[] | "\(.eventName) \(.s3.bucket.name)/\(.s3.object.key)"
  elif has("record") then .record[].smn | "\(.subject): \(.message)"
  elif has("records") then .records[] | "\(.topic_id): \(.messages[])"
  elif has("Message") then .Message.records[].data | @base64d
  else error("no trigger known here sends \(keys)")
  end;

inputs | {text: [texts] | join("\n")}
