-- Ten invented customers; their passwords stand in agi_scripts/README.md, here only their hashes.
INSERT OR IGNORE INTO customer (number, balance_fen, due_fen, is_stopped, is_vip, language, password_hash) VALUES
('13800138000', 8650, 0, 0, 0, 'zh-CN', '005264bcb40276e512e16b4d579e14c7$3734a4cec588967f8db3728d3dced76840874a5dffcbe8dcde621d81436e142f'),
('13800138001', 23000, 0, 0, 1, 'zh-CN', '68eaafceef0a093301dd608cc2cb48ce$d899639bcb7619d120f908d013a7db8bd4adeaa2bb317c17397fba30ef10a37c'),
('13800138002', 0, 4520, 1, 0, 'zh-CN', '3c70c77723b37c61201925e743df6073$066ef28f73a1b62ab63f12e5db448276959b8fcad1ec02a065cf4225ee91857c'),
('13800138003', 1205, 0, 0, 0, 'zh-CN', NULL),
('13800138004', 5000, 0, 0, 0, 'en', 'b844e10e37e7d74b53fd30ac039d9b03$fea36ec6b4c83709dad850d91a2f8e2ddd22f79ba5c6b60db12ccbc08dbb528c'),
('13800138005', 350, 350, 0, 0, 'zh-CN', '5093fe437c4e08fab091166a2104a94c$77fbff2c071821651f738073fbc0a57031ff68e3d72bef2b10fb0147c4478314'),
('13800138006', 100000, 0, 0, 1, 'en', '30e4675bf53bf64715080505b1386072$a13351a6b948324d5a26c9babbffbf0df2b10d6a84721b15dbb92a6eee2c1373'),
('13800138007', 0, 128805, 1, 1, 'zh-CN', '2c20392d6201e6e9815906e44080940e$65fe071ada199b95f5db0f76eeaaef43be33ca804a430e258225eb5d685fe899'),
('13800138008', 1, 0, 0, 0, 'zh-CN', NULL),
('13800138009', 6600, 1000, 0, 0, 'zh-CN', 'e2c8134540b506520bcade074ad095c0$9883eb199f0c4a232064d34b4634157cfa5f7d86b7251cf7a831361b7f712052');

-- Tickets begin at 100001: six digits are easy to say.
INSERT INTO sqlite_sequence (name, seq) SELECT 'ticket', 100000 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'ticket');

-- A complaint that is not solved yet: its caller is raised when he calls about it again.
INSERT INTO ticket (id, number, kind, opened_at)
SELECT 100000, '13800138005', 'complaint', 1790000000 WHERE NOT EXISTS (SELECT 1 FROM ticket WHERE id = 100000);
