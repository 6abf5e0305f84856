/** The stores on a real MariaDB. */
import { describe } from 'node:test';
import { mariadbAbsent, startMariadb } from '../peers/mariadb.ts';
import { sqlSuite } from './sql-suite.ts';

describe('MariaDB', { skip: mariadbAbsent }, () => {
  sqlSuite({ start: startMariadb, lookAlikes: false });
});
