-- A store's menu.
create index product_by_store on product (store_id);
