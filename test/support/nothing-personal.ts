import { expect } from 'vitest'
import { plantedMarks } from '../polaris/polaris-simulator.ts'
import { DEFAULT_ACCESS } from '../polaris/session.ts'
import type { ConnectorProcess } from './connector-process.ts'

/** The bodies of all HTTP endpoints of a connector. */
export async function httpOutputs(connector: ConnectorProcess): Promise<string[]> {
  const paths = ['/metrics', '/status', '/readyz']
  return await Promise.all(paths.map(async (path) => (await connector.get(path)).body))
}

/** Invariant 8: the outputs contain no planted personal data, no credentials, no tokens and no query strings. */
export function expectNothingPersonal(outputs: readonly string[]): void {
  const { user, password } = DEFAULT_ACCESS
  for (const output of outputs) {
    expect(output.length).toBeGreaterThan(0)
    for (const mark of [
      ...plantedMarks,
      'lastChanged=',
      'checkPoint=',
      'codeMagasin=',
      'password=',
      'CP/',
      'CP%2F',
      user,
      'Krznych',
      password,
      encodeURIComponent(password),
      'secretsecret',
    ])
      expect(output).not.toContain(mark)
  }
}
