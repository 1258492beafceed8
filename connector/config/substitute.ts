import type { ConfigPath } from './config-problem.ts'

export interface Substituted {
  readonly value: unknown
  /** Variables that were named. */
  readonly names: ReadonlySet<string>
  /** Places whose text came, in part or whole, from a variable. */
  readonly fromVariables: readonly ConfigPath[]
  readonly problems: readonly { readonly path: ConfigPath; readonly what: string }[]
}

const reference = /\$\$\{|\$\{([^}]*)(\}?)/g

/** Puts the values of variables where texts say `${NAME}`; `$${` stands for a plain `${`. An unset one is a problem. */
export function substitute(document: unknown, lookUp: (name: string) => string | undefined): Substituted {
  const names = new Set<string>()
  const fromVariables: ConfigPath[] = []
  const problems: { path: ConfigPath; what: string }[] = []

  const inText = (text: string, path: ConfigPath) =>
    text.replaceAll(reference, (whole, name: string | undefined, end: string | undefined) => {
      if (name === undefined) return '${'
      if (end === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        problems.push({ path, what: `has a \${ that names no variable: write \${NAME}, or $\${ for a plain \${` })
        return whole
      }
      names.add(name)
      fromVariables.push(path)
      const value = lookUp(name)
      if (value === undefined) problems.push({ path, what: `names the variable ${name}, which is not set` })
      return value ?? ''
    })

  const inValue = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value === 'string') return inText(value, path)
    if (Array.isArray(value)) return value.map((item, index) => inValue(item, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inValue(item, [...path, key])]))
  }
  return { value: inValue(document, []), names, fromVariables, problems }
}
