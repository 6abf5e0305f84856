-- Tells Meerkat about messages on their way to users of this host, so that it can push (POST /v1/events). Together with
-- mod_delegation this replaces mod_cloud_notify. How to install it: contrib/README.md.
local http = require "net.http";
local jid_bare = require "util.jid".bare;
local json = require "util.json";

local url = module:get_option_string("meerkat_url", "http://127.0.0.1:5290/v1/events");
local token = assert(module:get_option_string("meerkat_token"), "meerkat_token is missing");
local headers = { ["Content-Type"] = "application/json", Authorization = "Bearer " .. token };

-- One request carries what has come while others were under way. Meerkat takes 256 events and 1 MiB in one.
local events_max, bytes_max, waiting_max, requests_max, retry_s = 256, 524288, 10000, 4, 5;
local waiting, first, last = {}, 1, 0; -- waiting[first .. last], each an event as JSON
local requests, pausing, lost = 0, false, 0;

local function batch()
  local events, bytes = {}, 0;
  while first <= last and #events < events_max and (#events == 0 or bytes + #waiting[first] < bytes_max) do
    events[#events + 1], bytes = waiting[first], bytes + #waiting[first];
    waiting[first], first = nil, first + 1;
  end
  return events;
end

local send;

-- Nobody was told: they go back in front of what waits. Events carry ids, so that Meerkat knows one that comes twice.
local function later(events, reason)
  module:log("warn", "Meerkat has not taken %d events (%s), again in %d s", #events, reason, retry_s);
  for i = #events, 1, -1 do first = first - 1; waiting[first] = events[i]; end
  if not pausing then
    pausing = true;
    module:add_timer(retry_s, function () pausing = false; send(); end);
  end
end

function send()
  while not pausing and requests < requests_max and first <= last do
    local events = batch();
    local body = "[" .. table.concat(events, ",") .. "]";
    requests = requests + 1;
    http.request(url, { method = "POST", headers = headers, body = body }, function (answer, code)
      requests = requests - 1;
      if code == 0 or code >= 500 or code == 408 or code == 429 then
        later(events, code == 0 and answer or code);
      elseif code ~= 200 then
        module:log("error", "Meerkat refuses %d events for good: %d %s", #events, code, answer);
      end
      send();
    end);
  end
end

local function tell(event)
  if last - first + 1 >= waiting_max then
    lost = lost + 1;
    if lost % 1000 == 1 then module:log("error", "Meerkat takes no events: %d are lost so far", lost); end
    return;
  end
  last = last + 1;
  waiting[last] = json.encode(event);
  send();
end

-- Whether one of the user's sessions gets it right now (RFC 6121 §8.5.2): one that waits to be resumed does not.
local function is_online(user)
  for _, session in ipairs(user and user.top_resources or {}) do
    if not session.hibernating then return true; end
  end
  return false;
end

-- After the archive (0) and carbons (-0.5), before delivery (-1): whatever is blocked or filtered never comes here.
local function on_message(event)
  local stanza = event.stanza;
  if not stanza.attr.to or stanza.attr.type == "error" then return; end
  local to = jid_bare(stanza.attr.to);
  local user = prosody.bare_sessions[to];
  tell({ stanza = tostring(stanza), to = to, userStatus = is_online(user) and "online" or "offline" });
end
module:hook("message/bare", on_message, -0.9);
module:hook("message/full", on_message, -0.9);

-- Given to a session, and not acknowledged: its phone may have lost the connection long ago (XEP-0198).
local function unacknowledged(session, stanza)
  if stanza.name ~= "message" or stanza.attr.type == "error" or not session.full_jid then return; end
  tell({ kind = "unacknowledged", stanza = tostring(stanza), to = session.full_jid });
end
module:hook("smacks-hibernation-start", function (event)
  for _, stanza in pairs(event.queue) do unacknowledged(event.origin, stanza); end
end);
module:hook("smacks-hibernation-stanza-queued", function (event) unacknowledged(event.origin, event.stanza); end);
