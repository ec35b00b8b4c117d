-- Who came from a provider that told no name was called by the address, which names are written to where no address belongs.
update identity.person set name = split_part(email, '@', 1) where name = email;
