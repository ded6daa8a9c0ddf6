-- %(products)s products of one or two variants, each text its own mixture of the shop's words
-- and of words that few products share (three of five thousand).
CREATE FUNCTION pg_temp.pick(words text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (string_to_array(words, ','))
         [1 + abs(hashint8(n)) %% cardinality(string_to_array(words, ','))]
$$;
CREATE FUNCTION pg_temp.rare(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_temp.pick('ba,cô,đi,kha,lăng,mun,nho,phu,quy,sen', n %% 5000)
      || pg_temp.pick('rin,tam,vet,dom,gal,hup,kel,lim,nor,pas', (n %% 5000) / 10)
      || pg_temp.pick('a,an,et,i,in,o,os,u,ul,y', (n %% 5000) / 100)
$$;

INSERT INTO shop_category (slug, name_en, name_vi, position)
SELECT 'bench-' || n, 'Shelf ' || n, 'Kệ ' || n, n FROM generate_series(1, 20) AS n;

INSERT INTO shop_product
  (slug, category_id, name_en, name_vi, summary_en, summary_vi, description_en, description_vi,
   picture, is_published, is_featured, position, created_at)
SELECT 'bench-' || n, shelf.id,
       concat_ws(' ', place.name, colour.en, thing.en, pg_temp.rare(n)),
       concat_ws(' ', thing.vi, colour.vi, place.name, pg_temp.rare(n)),
       concat_ws(' ', 'Made by hand in', place.name, 'for the table and the house,', pg_temp.rare(n * 7)),
       concat_ws(' ', 'Làm bằng tay ở', place.name, 'cho bàn ăn và ngôi nhà,', pg_temp.rare(n * 7)),
       repeat('It keeps for years, and is better after the first month of use. ', 6)
           || pg_temp.rare(n * 11) || ' ' || pg_temp.pick('coffee,tea,silk,bamboo,rice', n * 13),
       repeat('Dùng được nhiều năm, sau tháng đầu lại càng đẹp và càng bền hơn trước. ', 6)
           || pg_temp.rare(n * 11) || ' ' || pg_temp.pick('cà phê,trà,lụa,tre,gạo', n * 13),
       'shop/products/da-lat-coffee.svg', true, false, n %% 1000, now() - n * interval '1 minute'
FROM generate_series(1, %(products)s) AS n
CROSS JOIN LATERAL (
  SELECT pg_temp.pick('Đà Lạt,Huế,Hội An,Bát Tràng,Vạn Phúc,Phú Quốc,Hà Giang,Sa Pa', n * 3) AS name
) AS place
CROSS JOIN LATERAL (
  SELECT pg_temp.pick('red,blue,green,black,white,golden,grey,amber,brown,jade', n * 5) AS en,
         pg_temp.pick('đỏ,xanh dương,xanh lá,đen,trắng,vàng,xám,hổ phách,nâu,ngọc', n * 5) AS vi
) AS colour
CROSS JOIN LATERAL (
  SELECT pg_temp.pick('coffee,tea,bowl,teapot,basket,scarf,lantern,tray,cushion,incense', n * 17) AS en,
         pg_temp.pick('cà phê,trà,bát,ấm trà,giỏ,khăn,đèn lồng,khay,gối,nhang', n * 17) AS vi
) AS thing
JOIN shop_category AS shelf ON shelf.slug = 'bench-' || (1 + n %% 20);

INSERT INTO shop_variant (product_id, sku, name_en, name_vi, price, is_published, position)
SELECT product.id, 'BENCH-' || product.id || '-' || n, 'Size ' || n, 'Cỡ ' || n,
       5 + product.id %% 90, true, n
FROM shop_product AS product, generate_series(1, 2) AS n
WHERE product.slug LIKE 'bench-%%' AND (n = 1 OR product.id %% 3 = 0);

INSERT INTO inventory_stock (sku, on_hand, held, low_stock_threshold)
SELECT sku, 20, 0, 5 FROM shop_variant WHERE sku LIKE 'BENCH-%%';
