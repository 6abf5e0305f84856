// Thread: any
/** The version of Meerkat, the same as in package.json (a test compares them). */
export const version = '0.1.0';
