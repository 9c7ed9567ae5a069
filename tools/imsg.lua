-- SPDX-License-Identifier: ISC
--
-- Shows captures of imsgdump in Wireshark and tshark, 4.0 and later:
--	tshark -X lua_script:tools/imsg.lua -r FILE
-- or put it into the directory of Lua plugins that Help, About Wireshark,
-- Folders names.  The format is in docs/CAPTURE.md.  No byte is looked at
-- before it is certain that it was captured: a packet may have been made, or
-- cut, by anybody.

local imsg = Proto("imsg", "imsg: messages between processes")

local MAGIC, VERSION, FIXED, HEADER = 0x696d7367, 1, 36, 16
local MESSAGE, NOTE, NAMES = 1, 2, 3
local POSITIVE = 0x7fffffff
local NONE, LOST, SURPLUS = 0, 3, 16

local kinds = { [MESSAGE] = "message", [NOTE] = "note", [NAMES] = "names" }
local events = { "queued", "sent", "received", "dropped", "unread" }
local wires = { [0] = "modern", [1] = "classic", [2] = "not known" }
local states = {
	[0] = "none", [1] = "present", [2] = "taken", [3] = "lost",
	[16] = "surplus",
}

local f = {
	version = ProtoField.uint8("imsg.version", "Version"),
	kind = ProtoField.uint8("imsg.kind", "Kind", base.DEC, kinds),
	event = ProtoField.uint8("imsg.event", "Event", base.DEC, events),
	wire = ProtoField.uint8("imsg.wire", "Wire", base.DEC, wires),
	channel = ProtoField.uint32("imsg.channel", "Channel"),
	from_pid = ProtoField.uint32("imsg.from.pid", "From process"),
	from_name = ProtoField.string("imsg.from.name", "From program"),
	to_pid = ProtoField.uint32("imsg.to.pid", "To process"),
	to_name = ProtoField.string("imsg.to.name", "To program"),
	fd = ProtoField.int32("imsg.fd", "Descriptor"),
	fd_state = ProtoField.uint8("imsg.fd.state", "Descriptor is", base.DEC,
	    states),
	fd_name = ProtoField.string("imsg.fd.name", "Descriptor refers to"),
	note = ProtoField.string("imsg.note", "Note"),
	type = ProtoField.uint32("imsg.type", "Type"),
	type_name = ProtoField.string("imsg.type_name", "Type name"),
	len = ProtoField.uint32("imsg.len", "Length", base.DEC, nil, nil,
	    "Total size, header included"),
	peerid = ProtoField.uint32("imsg.peerid", "Peer ID"),
	pid = ProtoField.int32("imsg.pid", "PID", base.DEC, nil, nil,
	    "What the sender put into the header"),
	payload = ProtoField.bytes("imsg.payload", "Payload"),
	named_type = ProtoField.uint32("imsg.names.type", "Type"),
	named_name = ProtoField.string("imsg.names.name", "Name"),
	response_in = ProtoField.framenum("imsg.response_in", "Answer in",
	    base.NONE, frametype.RESPONSE),
	response_to = ProtoField.framenum("imsg.response_to", "Answer to",
	    base.NONE, frametype.REQUEST),
	response_time = ProtoField.relative_time("imsg.response_time",
	    "Time since the request"),
}
imsg.fields = f

local function expert_of(name, text, group, severity)
	return ProtoExpert.new("imsg." .. name, text, group, severity)
end

local e = {
	malformed = expert_of("malformed", "Not a packet of imsgdump",
	    expert.group.MALFORMED, expert.severity.WARN),
	unknown = expert_of("unknown", "Not known to this dissector",
	    expert.group.UNDECODED, expert.severity.WARN),
	cut = expert_of("cut", "Cut short when captured",
	    expert.group.UNDECODED, expert.severity.NOTE),
	length = expert_of("len.bad", "Length out of range, or another one than "
	    .. "that of the packet", expert.group.MALFORMED,
	    expert.severity.WARN),
	header = expert_of("header.bad", "Damaged header",
	    expert.group.MALFORMED, expert.severity.WARN),
	remark = expert_of("remark", "Remark", expert.group.COMMENTS_GROUP,
	    expert.severity.NOTE),
	lost = expert_of("fd.lost", "The descriptor is lost",
	    expert.group.SEQUENCE, expert.severity.WARN),
	surplus = expert_of("fd.surplus", "A descriptor that was not announced",
	    expert.group.SEQUENCE, expert.severity.WARN),
}
imsg.experts = e

-- Of the capture that is shown.
local names, pending, requests, answers, ways = {}, {}, {}, {}, {}

function imsg.init()
	names, pending, requests, answers, ways = {}, {}, {}, {}, {}
end

local function escaped(s)
	return (s:gsub(".", function(c)
		return string.format("\\x%02x", c:byte())
	end))
end

local sequences = {
	"^[\32-\126]+", "^[\194-\223][\128-\191]",
	"^\224[\160-\191][\128-\191]",
	"^[\225-\236\238\239][\128-\191][\128-\191]",
	"^\237[\128-\159][\128-\191]",
	"^\240[\144-\191][\128-\191][\128-\191]",
	"^[\241-\243][\128-\191][\128-\191][\128-\191]",
}
-- Control characters, and marks that turn the writing round.
local tricks = {
	"\194[\128-\159]", "\216\156", "\226\128[\139-\143\168-\174]",
	"\226\129[\160-\175]", "\239\187\191",
}

-- For a column: what is not printable UTF-8 becomes \xHH.
local function harmless(range)
	local s, out, i = range:raw(), {}, 1
	local part

	while i <= #s do
		for _, pattern in ipairs(sequences) do
			part = s:match(pattern, i)
			if part then
				break
			end
		end
		out[#out + 1] = part or escaped(s:sub(i, i))
		i = i + #(part or "x")
	end
	s = table.concat(out)
	for _, pattern in ipairs(tricks) do
		s = s:gsub(pattern, escaped)
	end
	return s
end

local function add_text(tree, field, range)
	tree:add_packet_field(field, range, ENC_UTF_8)
end

local function trouble(m, what, more)
	m.tree:add_proto_expert_info(what, more)
	m.info[#m.info + 1] = "[" .. more .. "]"
end

-- A string at m.pos, behind which m.pos moves; its length is at that offset.
-- nil: cut off.
local function text(m, field, at, max)
	local len, range = m.tvb(at, 2):uint(), nil

	if m.pos + len > m.captured then
		return nil
	end
	if len == 0 then
		return ""
	end
	range = m.tvb(m.pos, len)
	m.pos = m.pos + len
	add_text(m.tree, field, range)
	if len > max or range:raw():find("\0", 1, true) then
		trouble(m, e.malformed, "a text that cannot be")
	end
	return harmless(range)
end

local function texts(m)
	m.from = text(m, f.from_name, 28, 255)
	m.to = m.from and text(m, f.to_name, 30, 255)
	m.fd_name = m.to and text(m, f.fd_name, 32, 1023)
	m.note = m.fd_name and text(m, f.note, 34, 1023)
	if m.note and m.note ~= "" and m.kind == MESSAGE then
		trouble(m, e.malformed, "a message with a note")
	end
	return m.note ~= nil
end

local function party(name, pid)
	if pid == 0 then
		return name == "" and "?" or name
	end
	return string.format("%s[%d]", name == "" and "?" or name, pid)
end

-- The packet ends too early: because it was cut, or it never was whole.
local function short(m)
	if m.captured < m.reported then
		trouble(m, e.cut, "cut before its message")
	else
		trouble(m, e.malformed, "shorter than it says")
	end
end

local function descriptor(m)
	local fd, state = m.tvb(24, 4), m.tvb(10, 1)

	m.tree:add(f.fd_state, state)
	m.fd_state = state:uint()
	if fd:uint() ~= 0xffffffff then
		m.fd = fd:int()
		m.tree:add(f.fd, fd)
	end
	if m.fd_state == LOST then
		m.tree:add_proto_expert_info(e.lost)
	elseif m.fd_state == SURPLUS then
		m.tree:add_proto_expert_info(e.surplus)
	end
end

local function fixed(m)
	local tvb, tree = m.tvb, m.tree

	m.event = tvb(8, 1):uint()
	m.channel = tvb(12, 4):uint()
	m.from_pid = tvb(16, 4):uint()
	m.to_pid = tvb(20, 4):uint()
	-- A note is about no event, and one about the capture about no channel.
	if m.channel ~= 0 or m.kind ~= NOTE then
		tree:add(f.channel, tvb(12, 4))
	end
	if m.event ~= 0 then
		tree:add(f.event, tvb(8, 1))
	end
	tree:add(f.wire, tvb(9, 1))
	tree:add(f.from_pid, tvb(16, 4))
	tree:add(f.to_pid, tvb(20, 4))
	descriptor(m)
	if (m.event == 0 and m.kind ~= NOTE) or not (m.event == 0 or
	    events[m.event]) or not wires[tvb(9, 1):uint()] or
	    not states[m.fd_state] then
		trouble(m, e.unknown, "a value that is not known here")
	end
	if m.from_pid > POSITIVE or m.to_pid > POSITIVE or
	    (m.fd and m.fd < 0) then
		trouble(m, e.malformed, "a number that cannot be")
	end
end

-- The process that noted the message, and so knows in which order it sent and
-- received; nil if that is not said.
local function noted_by(m)
	return m.event == 2 and m.from_pid or m.event == 3 and m.to_pid or nil
end

-- The first message the other way with the same peer ID is the answer.  Zero
-- is what programs put there that do not use it.  In a record of both ends the
-- order in time says little: a question may have been received, and answered,
-- before its sender came to note it.  So the question is what was noted by the
-- same process; and another one of the same event only where that process does
-- not show the other way.
local function find_answer(m)
	local key = string.format("%d %d %%d", m.channel, m.peerid)
	local any, own, back = key:format(m.event), nil, nil
	local pid = noted_by(m)
	local was

	if m.peerid == 0 or m.from_pid == m.to_pid then
		return
	end
	if pid then
		key = string.format("%s by %d", key, pid)
		own, back = key:format(m.event), key:format(5 - m.event)
		key = string.format("%d by %d %%d", m.channel, pid)
		ways[key:format(m.event)] = true
		was = pending[back]
	end
	if not was and not (pid and ways[key:format(5 - m.event)]) then
		was = pending[any]
	end
	if was and was.from ~= m.from_pid then
		answers[was.number] = m.number
		requests[m.number] = was
		for _, at in ipairs(was.keys) do
			if pending[at] == was then
				pending[at] = nil
			end
		end
		return
	end
	was = { number = m.number, from = m.from_pid, time = m.time,
	    keys = { any, own } }
	for _, at in ipairs(was.keys) do
		pending[at] = pending[at] or was
	end
end

local function show_answer(m)
	local request, answer = requests[m.number], answers[m.number]
	local gap

	if answer then
		m.tree:add(f.response_in, answer):set_generated()
	end
	if request then
		m.tree:add(f.response_to, request.number):set_generated()
		gap = m.time - request.time
		gap = NSTime.new(math.floor(gap),
		    math.floor(gap % 1 * 1e9 + 0.5))
		m.tree:add(f.response_time, gap):set_generated()
	end
end

local function message_info(m)
	local info = m.info

	if events[m.event] and m.event ~= 2 then
		table.insert(info, 1, events[m.event] .. ":")
	end
	info[#info + 1] = string.format("%s len %d peerid %d pid %d",
	    m.type_name or tostring(m.type), m.len, m.peerid, m.pid)
	if m.fd then
		info[#info + 1] = "fd " .. m.fd
	elseif m.fd_state ~= NONE then
		info[#info + 1] = "fd"
	end
	if m.fd_state == LOST or m.fd_state == SURPLUS then
		info[#info + 1] = states[m.fd_state]
	end
	if m.fd_name ~= "" then
		info[#info + 1] = "(" .. m.fd_name .. ")"
	end
end

local function header(m, tree)
	local tvb, pos = m.tvb, m.pos

	m.type = tvb(pos, 4):uint()
	m.len = tvb(pos + 4, 4):uint()
	m.peerid = tvb(pos + 8, 4):uint()
	m.pid = tvb(pos + 12, 4):int()
	local item = tree:add(f.type, tvb(pos, 4))
	m.type_name = m.kind == MESSAGE and names[m.type] or nil
	if m.type_name then
		item:append_text(" (" .. m.type_name .. ")")
		tree:add(f.type_name, tvb(pos, 4), m.type_name):set_generated()
	end
	tree:add(f.len, tvb(pos + 4, 4))
	tree:add(f.peerid, tvb(pos + 8, 4))
	tree:add(f.pid, tvb(pos + 12, 4))
	m.pos = pos + HEADER
end

local function payload(m)
	local left = m.captured - m.pos

	if left > 0 then
		m.tree:add(f.payload, m.tvb(m.pos, left))
	end
	if m.captured < m.reported then
		m.tree:add_proto_expert_info(e.cut, string.format(
		    "%d bytes of %d captured", left, m.reported - m.pos))
	end
end

local function is_zero(range)
	return not range:bytes():tohex():find("[^0]")
end

local function message(m)
	local start = m.pos

	if m.captured - start < HEADER then
		return short(m)
	end
	if m.kind == NOTE then
		m.info[#m.info + 1] = m.note
		m.tree:add_proto_expert_info(e.remark, m.note)
		if not is_zero(m.tvb(start, HEADER)) then
			m.tree:add_proto_expert_info(e.header)
			header(m, m.tree)
		else
			m.pos = m.pos + HEADER
		end
		return payload(m)
	end
	header(m, m.tree)
	if m.len < HEADER or m.len > POSITIVE or
	    m.reported - start ~= m.len then
		trouble(m, e.length, "length is wrong")
		message_info(m)
		return
	end
	payload(m)
	message_info(m)
	if not m.visited then
		find_answer(m)
	end
	show_answer(m)
end

local function name_list(m)
	local count, len, range = 0, nil, nil

	while m.pos < m.captured do
		len = m.captured - m.pos >= 6 and m.tvb(m.pos + 4, 2):uint()
		if not len or m.pos + 6 + len > m.captured then
			short(m)
			break
		end
		range = m.tvb(m.pos, 4)
		m.tree:add(f.named_type, range)
		if len > 0 then
			add_text(m.tree, f.named_name, m.tvb(m.pos + 6, len))
			names[range:uint()] = names[range:uint()] or
			    harmless(m.tvb(m.pos + 6, len))
		end
		m.pos = m.pos + 6 + len
		count = count + 1
	end
	table.insert(m.info, 1, string.format("Names of %d types", count))
end

local function columns(m, pinfo)
	if m.from then
		pinfo.cols.src = party(m.from, m.from_pid)
	end
	if m.to then
		pinfo.cols.dst = party(m.to, m.to_pid)
	end
	pinfo.cols.info = table.concat(m.info, " ")
end

local function dissect(m)
	local tvb = m.tvb

	if m.captured < 8 or tvb(0, 4):uint() ~= MAGIC then
		return trouble(m, e.malformed, "not a packet of imsgdump")
	end
	m.kind = tvb(5, 1):uint()
	m.tree:add(f.version, tvb(4, 1))
	m.tree:add(f.kind, tvb(5, 1))
	m.pos = tvb(6, 2):uint()
	if tvb(4, 1):uint() ~= VERSION or not kinds[m.kind] then
		return trouble(m, e.unknown, "of a kind that is not known here")
	end
	if m.pos < FIXED then
		return trouble(m, e.malformed, "not a packet of imsgdump")
	end
	if m.captured < m.pos then
		return short(m)
	end
	if m.kind == NAMES then
		return name_list(m)
	end
	fixed(m)
	if not texts(m) then
		return short(m)
	end
	message(m)
end

function imsg.dissector(tvb, pinfo, tree)
	local m = {
		tvb = tvb, captured = tvb:len(), reported = pinfo.len,
		info = {}, number = pinfo.number, visited = pinfo.visited,
		time = pinfo.rel_ts,
	}

	pinfo.cols.protocol = "imsg"
	m.tree = tree:add(imsg, tvb(0))
	dissect(m)
	columns(m, pinfo)
	return m.captured
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, imsg)
