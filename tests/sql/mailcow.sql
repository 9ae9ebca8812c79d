-- The table as mailcow's schema has it.
CREATE DATABASE mailcow CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE mailcow.tls_policy_override (
	id INT NOT NULL AUTO_INCREMENT,
	dest VARCHAR(255) NOT NULL,
	policy ENUM('none', 'may', 'encrypt', 'dane', 'dane-only', 'fingerprint', 'verify', 'secure') NOT NULL,
	parameters VARCHAR(255) DEFAULT '',
	created DATETIME(0) NOT NULL DEFAULT NOW(0),
	modified DATETIME ON UPDATE CURRENT_TIMESTAMP,
	active TINYINT(1) NOT NULL DEFAULT 1,
	PRIMARY KEY (id), UNIQUE KEY dest (dest)) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
