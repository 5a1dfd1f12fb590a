-- For the number of files of one party in one order, and for all of an order when it is forgotten.
create index attachment_by_order on attachment (order_id, owner_id);
