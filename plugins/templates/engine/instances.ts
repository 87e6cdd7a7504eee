import { types } from 'node:util'

/** Whether an object is more than its own fields: made by a class, with a prototype of its own, or a proxy. */
export function isInstance (value: object | undefined | null): boolean {
  return value !== undefined && value !== null && (findPrototype(value) !== undefined || types.isProxy(value))
}

/**
 * Has `it` show everything that an object has, its getters and methods too, as they are when the template asks. They
 * work on the object itself, and so find its private fields. A template that assigns to one changes `it` alone.
 */
export function showObject (it: object, shown: object): void {
  const names = new Set<PropertyKey>()
  for (let holder: object | undefined = shown; holder !== undefined; holder = findPrototype(holder)) {
    for (const name of Reflect.ownKeys(holder)) {
      if (!names.has(name)) showProperty(it, shown, holder, name)
      names.add(name)
    }
  }
}

/** @param holder the object, or the prototype of it that has the property */
function showProperty (it: object, shown: object, holder: object, name: PropertyKey): void {
  const descriptor = Object.getOwnPropertyDescriptor(holder, name)
  if (descriptor === undefined) return // a proxy's name for nothing
  const { value, enumerable } = descriptor
  const isMethod = holder !== shown && typeof value === 'function' && name !== 'constructor'
  Object.defineProperty(it, name, {
    get: isMethod ? () => value.bind(shown) : () => Reflect.get(shown, name),
    set: (value) => { Object.defineProperty(it, name, { value, writable: true }) },
    enumerable: holder === shown && enumerable,
    configurable: true
  })
}

/** Returns the prototype of an object, but for the outermost, which every object has. */
function findPrototype (value: object): object | undefined {
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null ? undefined : prototype
}
