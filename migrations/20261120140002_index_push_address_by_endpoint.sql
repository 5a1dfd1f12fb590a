-- A browser's address belongs to one profile: the last that asked there.
create unique index push_address_by_endpoint on push_address (endpoint_hash);
