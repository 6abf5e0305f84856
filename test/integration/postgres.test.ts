/** The stores on a real PostgreSQL. */
import { describe } from 'node:test';
import { postgresAbsent, startPostgres } from '../peers/postgres.ts';
import { sqlSuite } from './sql-suite.ts';

describe('PostgreSQL', { skip: postgresAbsent }, () => {
  sqlSuite({ start: startPostgres, lookAlikes: true });
});
