import { expect } from 'vitest'
import type { ConnectorProcess } from './connector-process.ts'
import { DEFAULT_ACCESS } from './servers/polaris/session.ts'
import { plantedMarks } from './servers/polaris-simulator.ts'

/** What a connector tells over HTTP. */
export async function everythingToldBy(connector: ConnectorProcess): Promise<string[]> {
  const paths = ['/metrics', '/status', '/readyz']
  return await Promise.all(paths.map(async (path) => (await connector.get(path)).body))
}

/** Invariant 8: no planted personal data, no credentials, no token and no query in what a connector told. */
export function expectNothingPersonal(outputs: readonly string[]): void {
  const queries = ['lastChanged=', 'checkPoint=', 'codeMagasin=', 'password=', 'CP/', 'CP%2F']
  const { user, password } = DEFAULT_ACCESS
  const secrets = [user, 'Krznych', password, encodeURIComponent(password), 'secretsecret']
  for (const output of outputs) {
    expect(output.length).toBeGreaterThan(0)
    for (const mark of [...plantedMarks, ...queries, ...secrets]) expect(output).not.toContain(mark)
  }
}
