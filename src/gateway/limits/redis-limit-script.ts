import {
  hungerMs,
  longestLeaseMs,
  memberMs,
  offerMs,
  stepsOfWindow,
  turnMs,
} from './limit-store.ts'

/**
 * The store's rules as a script that Redis or Valkey runs as one step. KEYS[1] is the environment's prefix: every key
 * begins with it and its hash tag, so a cluster keeps them in one place. ARGV: the question, and a name for the state in
 * case there is none.
 */
export const limitScript = `
local q = cjson.decode(ARGV[1])
local prefix = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stateKey, membersKey = prefix .. 'state', prefix .. 'members'

local state = redis.call('HMGET', stateKey, 'epoch', 'born', 'lost', 'alone', 'until')
local epoch, born, lost, alone, aloneUntil = state[1], tonumber(state[2]), state[3], state[4], tonumber(state[5] or 0)
if not epoch then
  epoch, born, lost, alone = ARGV[2], now, false, false
  redis.call('HSET', stateKey, 'epoch', epoch, 'born', now)
end
if not lost and q.e ~= '' and q.e ~= epoch then
  lost = '1'
  redis.call('HSET', stateKey, 'lost', '1')
end
if alone and (aloneUntil <= now or (alone == q.m and (q.r or q.l))) then
  alone = false
  redis.call('HDEL', stateKey, 'alone', 'until')
end

local standing = 'shared'
local own = tonumber(redis.call('ZSCORE', membersKey, q.m) or 0)
if q.l then
  if own > now then redis.call('ZADD', membersKey, now, q.m) end
else
  if q.b or own < now + ${longestLeaseMs} then redis.call('ZADD', membersKey, now + ${memberMs}, q.m) end
  if alone and alone ~= q.m then
    standing = 'waiting'
  elseif q.b and not q.r then
    local living = redis.call('ZRANGEBYSCORE', membersKey, '(' .. now, '+inf', 'LIMIT', 0, 2)
    local single = #living == 1 and living[1] == q.m
    if single then standing = 'alone' end
    -- One that was alone keeps others waiting until it has told what it admitted, and gives it up.
    if single or alone then redis.call('HSET', stateKey, 'alone', q.m, 'until', now + ${memberMs}) end
  end
end
if q.b then redis.call('ZREMRANGEBYSCORE', membersKey, '-inf', now - 3600000) end
local serves = standing ~= 'waiting' and not q.l

local function window(ask)
  local key, length, limit, lease, least, want = prefix .. 'w:' .. ask[1], ask[2], ask[3], ask[4], ask[5], ask[6]
  local step = math.max(1, math.floor(length / ${stepsOfWindow}))
  local kept = redis.call('GET', key)
  local ends, at, sum = {}, {}, 0
  if kept then
    local flat = cmsgpack.unpack(kept)
    for i = 1, #flat, 2 do
      if flat[i] > now then
        ends[#ends + 1] = flat[i]
        at[flat[i]] = flat[i + 1]
      end
    end
  end
  local function add(stop, amount)
    local mark = math.ceil(stop / step) * step
    if not at[mark] then
      at[mark] = 0
      ends[#ends + 1] = mark
    end
    at[mark] = at[mark] + amount
    return mark
  end
  local unused, used = ask[7], ask[8]
  for i = 1, #unused, 2 do
    if at[unused[i]] then at[unused[i]] = math.max(0, at[unused[i]] - unused[i + 1]) end
  end
  for i = 1, #used, 2 do
    if used[i] < length then add(now - used[i] + length, used[i + 1]) end
  end
  for _, stop in ipairs(ends) do sum = sum + at[stop] end
  local free, granted, mark, wait = math.max(0, limit - sum), 0, 0, 0
  if serves and least > 0 and free >= least then
    granted = math.min(want, free)
    mark = add(now + lease + length, granted)
  end
  table.sort(ends)
  local flat, missing = {}, least - free
  for _, stop in ipairs(ends) do
    if at[stop] > 0 then
      flat[#flat + 1] = stop
      flat[#flat + 1] = at[stop]
      if granted == 0 and missing > 0 then
        missing = missing - at[stop]
        wait = stop - now
      end
    end
  end
  if #flat == 0 then redis.call('DEL', key)
  else redis.call('SET', key, cmsgpack.pack(flat), 'PXAT', flat[#flat - 1]) end
  return { granted, mark, free - granted, wait, flat[1] and flat[1] - now or 0 }
end

local function living(name)
  return tonumber(redis.call('ZSCORE', membersKey, name) or 0) > now
end

-- As in share-slots.ts. A claim is { since, until, want, given }.
local function share(ask, told, before, usable, room, holders)
  local key, limit, floor, want = prefix .. 'h:' .. ask[1], ask[2], ask[3], ask[4]
  local kept = redis.call('GET', key)
  if not kept and want <= math.max(floor, usable) then return usable, usable end
  local claims, hungry, own = {}, {}, nil
  for name, claim in pairs(kept and cmsgpack.unpack(kept) or {}) do
    if claim[2] > now and name == q.m then own = claim
    elseif claim[2] > now and living(name) then
      claims[name] = claim
      if claim[3] > claim[4] then hungry[name] = claim end
    end
  end
  local serving = before > 0
  if own then serving = own[4] > 0 end
  local since = own and own[1] or (serving and 0 or now)
  local most = usable
  if next(hungry) then
    local sharing, due, ahead = 1, 0, 0
    for name in pairs(holders) do sharing = sharing + 1 end
    for name in pairs(hungry) do
      if not holders[name] then sharing = sharing + 1 end
    end
    local fair = math.floor(limit / sharing)
    for name, claim in pairs(hungry) do
      due = due + math.max(0, math.min(claim[3], fair) - (holders[name] or 0))
      if claim[4] == 0 and (serving or claim[1] < since or (claim[1] == since and name < q.m)) then
        ahead = ahead + 1
      end
    end
    if fair > 0 then most = math.max(fair, room - due)
    elseif serving and now - since < ${turnMs} then most = 1
    else most = math.max(0, math.min(1, room - ahead)) end
  end
  local given = math.min(usable, most)
  local counted = math.max(given, floor, math.min(told, usable))
  if room > counted then
    for _, claim in pairs(hungry) do claim[2] = math.min(claim[2], now + ${offerMs}) end
  end
  local wants = want > math.max(given, floor)
  if wants or (next(hungry) and given > 0) then
    if serving ~= (given > 0) then since = now end
    claims[q.m] = { since, now + ${hungerMs}, wants and want or given, given }
  end
  if next(claims) then redis.call('SET', key, cmsgpack.pack(claims), 'PX', ${hungerMs})
  else redis.call('DEL', key) end
  return given, counted
end

local function slot(ask)
  local key, limit, floor, want = prefix .. 's:' .. ask[1], ask[2], ask[3], ask[4]
  local flat, others, before, holders = redis.call('HGETALL', key), 0, 0, {}
  for i = 1, #flat, 2 do
    local name, held = flat[i], tonumber(flat[i + 1])
    if name == q.m then before = held
    elseif living(name) then
      others = others + held
      holders[name] = held
    else redis.call('HDEL', key, name) end
  end
  local room, given = math.max(0, limit - others), floor
  if serves then given = math.max(floor, math.min(want, room)) end
  local counted = given
  -- A gateway of the version before does not tell what it may have: it cannot be told to use fewer.
  if serves and ask[5] then given, counted = share(ask, ask[5], before, given, room, holders) end
  if counted > 0 then
    redis.call('HSET', key, q.m, counted)
    redis.call('PEXPIRE', key, 3600000)
  else redis.call('HDEL', key, q.m) end
  return given
end

local windows, slots = {}, {}
for i, ask in ipairs(q.w) do windows[i] = window(ask) end
for i, ask in ipairs(q.s) do slots[i] = slot(ask) end

local last = redis.call('ZREVRANGE', membersKey, 0, 1, 'WITHSCORES')
local others = nil
for i = 1, #last, 2 do
  if last[i] ~= q.m and not others then others = math.max(0, now - tonumber(last[i + 1])) end
end
return cjson.encode({
  e = epoch, l = lost and now - born or nil, s = standing,
  m = redis.call('ZCOUNT', membersKey, '(' .. now, '+inf'), o = others, w = windows, h = slots
})
`
