#!/bin/sh
# Schedule a consultation, print everybody's link, and list who has not paid yet. Needs curl and jq.
#   ANTEROOM=https://… CLIENT_ID=… CLIENT_SECRET=… sh curl.sh
set -eu

request() { curl --silent --show-error --fail-with-body "$@"; }
api() { request -H "Authorization: Bearer $token" "$@"; }

# The token lives for an hour.
token=$(request -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials "$ANTEROOM/v1/auth/token" |
  jq -r .access_token)
now=$(date -u +%s)

# The key makes it safe to send this again when the answer is lost. The fee is in the minor unit: 80.00 AUD.
jq -n --argjson start "$((now + 86400))" '{
  session_name: "Initial consultation",
  start_time: ($start | todate),
  end_time: ($start + 1800 | todate),
  participants: [
    {role: "HOST", display_name: "Dr Lee"},
    {role: "GUEST", display_name: "Alex Moor", fee: {amount: 8000, currency: "aud"}}
  ]
}' |
  api -H "Idempotency-Key: example-$now-$$" -H 'Content-Type: application/json' -d @- "$ANTEROOM/v1/sessions" |
  jq -r '.participants[] | "\(.display_name): \(.entry_url)"'

# Every session from now on with each participant who still owes their fee, page by page.
cursor=''
while
  page=$(api --get --data-urlencode "start_time=$(jq -n --argjson now "$now" '$now | todate' -r)" \
    ${cursor:+--data-urlencode "cursor=$cursor"} "$ANTEROOM/v1/sessions")
  printf '%s' "$page" | jq -r '.content[] | .start_time as $start | .participants[] |
    select(.payment.status == "unpaid") | "unpaid: \(.display_name), \(.fee.amount), \($start)"'
  cursor=$(printf '%s' "$page" | jq -r '.next // empty')
  [ -n "$cursor" ]
do :; done
