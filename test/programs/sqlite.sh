#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# sqlite.sh -- sqlite3 fills, indexes, joins and verifies a database

needs sqlite3 command -v sqlite3
pool 256M
forks 0
tight 7 'out of memory'

# statements ROWS
statements() {
	cat <<-END
	PRAGMA cache_size = -65536;
	PRAGMA temp_store = memory;
	CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, town INT,
		born INT, notes BLOB);
	CREATE TABLE orders(id INTEGER PRIMARY KEY, who INT, what TEXT,
		price REAL);
	BEGIN;
	INSERT INTO people
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
			SELECT i + 1 FROM n WHERE i < $1)
		SELECT i, printf('%x-%d', i * 2654435761 % 4294967291, i % 97),
			i * 7919 % 1009, 1900 + i * 31 % 120,
			zeroblob(i * 13 % 200) FROM n;
	INSERT INTO orders
		SELECT NULL, id * 48271 % $1 + 1, substr(name, 1, 4),
			(id * 16807 % 100000) / 100.0 FROM people;
	COMMIT;
	CREATE INDEX people_name ON people(name);
	CREATE INDEX people_town ON people(town, born);
	CREATE INDEX orders_who ON orders(who);
	SELECT count(*), sum(length(notes)), min(name), max(name) FROM people;
	SELECT town, count(*), round(sum(price), 2) FROM people
		JOIN orders ON orders.who = people.id
		GROUP BY town ORDER BY 3 DESC, 1 LIMIT 20;
	SELECT born, group_concat(name, ',') FROM
		(SELECT born, name FROM people WHERE town < 5 ORDER BY name)
		GROUP BY born ORDER BY born LIMIT 10;
	SELECT max(r) FROM (SELECT row_number() OVER
		(PARTITION BY town ORDER BY name) AS r FROM people);
	SELECT count(DISTINCT what || town) FROM orders
		JOIN people ON people.id = orders.who;
	SELECT sum(length(json_array(name, town, born))) FROM people;
	UPDATE people SET name = upper(name) || town WHERE born % 3 = 0;
	DELETE FROM orders WHERE id % 4 = 0;
	SELECT count(*) FROM people WHERE name GLOB 'A*[0-5]';
	VACUUM;
	PRAGMA integrity_check;
	END
}

work() {
	statements "$(amount 40000 400000 120000)" | under sqlite3 people.db
	digest people.db
}

exhaust() {
	under sqlite3 :memory: 'CREATE TABLE t(x);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
			SELECT i + 1 FROM n WHERE i < 100000)
		INSERT INTO t SELECT zeroblob(1000) FROM n;'
}
