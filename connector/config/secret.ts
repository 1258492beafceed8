import { inspect } from 'node:util'

/** A text that prints as `***` wherever it ends up; only `reveal()`, called where an adapter is configured, gives it away. */
export interface Secret {
  reveal(): string
  toString(): string
  toJSON(): string
}

export const mask = '***'

export function secret(text: string): Secret {
  const masked = () => mask
  return Object.freeze({ reveal: () => text, toString: masked, toJSON: masked, [inspect.custom]: masked })
}
