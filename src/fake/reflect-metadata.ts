// Thread: any
/**
 * The four functions of the abandoned "metadata reflection" proposal that @peculiar/x509's dependency container refuses
 * to load without. Imported before it, for its effect. Does nothing where a complete polyfill is present.
 */
const tables = new WeakMap<object, Map<unknown, unknown>>();

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const table = tables.get(target);
  if (table === undefined) tables.set(target, new Map([[key, value]]));
  else table.set(key, value);
}

function getOwnMetadata(key: unknown, target: object): unknown {
  return tables.get(target)?.get(key);
}

/** Like a property: what a class does not have itself it takes from the class it extends. */
function getMetadata(key: unknown, target: object): unknown {
  for (let owner: object | null = target; owner !== null; owner = Reflect.getPrototypeOf(owner)) {
    const table = tables.get(owner);
    if (table?.has(key) === true) return table.get(key);
  }
  return undefined;
}

function metadata(key: unknown, value: unknown): (target: object) => void {
  return (target) => defineMetadata(key, value, target);
}

if (!Reflect.has(Reflect, 'getMetadata')) {
  for (const value of [defineMetadata, getOwnMetadata, getMetadata, metadata]) {
    Object.defineProperty(Reflect, value.name, { value, writable: true, configurable: true });
  }
}
