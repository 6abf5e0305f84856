// Thread: main
/**
 * Writes config/reference.md; run by `npm run docs` after a change of the schema, from the root of the project.
 */
import { writeFileSync } from 'node:fs';
import { referencePage } from './reference-page.ts';

writeFileSync('config/reference.md', referencePage());
