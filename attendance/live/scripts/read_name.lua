-- What a name stands for.
-- KEYS    1 teacher, section or code
-- RETURNS named, lesson id or ''
return {'named', redis.call('GET', KEYS[1]) or ''}
