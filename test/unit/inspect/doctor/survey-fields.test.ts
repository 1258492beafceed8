import { expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { surveyFields, surveyStream } from '../../../../connector/inspect/doctor/survey-fields.ts'
import { fakePolaris } from '../../../support/fakes/fake-client-source.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { never } from '../../../support/signals.ts'
import { fromEnvironment, leastEnvironment, valid } from '../../config/config-sources.ts'

test('counts how many clients fill each field, and with values of which types', () => {
  const clients = [
    { No: '1', DateModification: '2026-06-15T12:00:00', Postal: '01000', Points: '12', Actif: 'true', Memo: '' },
    { No: '2', DateModification: '15/06/2026', Postal: '75001', Points: '1.5', Solde: '-7' },
  ]
  expect(surveyFields(clients)).toEqual([
    { path: 'Actif', filled: 1, of: 2, types: 'boolean' },
    { path: 'DateModification', filled: 2, of: 2, types: 'date' },
    { path: 'Memo', filled: 0, of: 2, types: 'empty' },
    { path: 'No', filled: 2, of: 2, types: 'integer' },
    { path: 'Points', filled: 2, of: 2, types: 'integer, decimal' },
    { path: 'Postal', filled: 2, of: 2, types: 'text, integer' },
    { path: 'Solde', filled: 1, of: 2, types: 'integer' },
  ])
})

test('looks into objects and lists, and finds a field that is a list on some clients only', () => {
  const clients = [
    { No: '1', Adresse: { Telephones: ['1', '2'] }, Cartes: [{ Code: 'a' }, { Code: '' }] },
    { No: '2', Adresse: { Ville: 'Nice', Telephones: '3' }, Cartes: [] },
  ]
  expect(surveyFields(clients)).toEqual([
    { path: 'Adresse', filled: 2, of: 2, types: 'object' },
    { path: 'Adresse.Telephones', filled: 2, of: 2, types: 'list, integer' },
    { path: 'Adresse.Ville', filled: 1, of: 2, types: 'text' },
    { path: 'Cartes', filled: 2, of: 2, types: 'list' },
    { path: 'Cartes.Code', filled: 1, of: 2, types: 'text, empty' },
    { path: 'No', filled: 2, of: 2, types: 'integer' },
  ])
})

const anyClock = () => virtualClock(Date.parse('2026-06-15T10:00:00Z'))

function streamConfig() {
  const [config] = connectorConfig(valid(fromEnvironment(leastEnvironment))).streams
  return config ?? expect.fail('no stream')
}

async function survey(clients: readonly string[]) {
  const clock = anyClock()
  const polaris = fakePolaris({ now: () => clock.now(), timeZone: 'Europe/Paris', modificationTime: 'shown' })
  for (const client of clients) polaris.change(client)
  return await surveyStream({ config: streamConfig(), source: polaris.source('doctor') }, clock, never)
}

test('prints settings that a configuration file takes as they are', async () => {
  const { clients, problem, settings } = await survey(['1', '2'])
  expect({ clients, problem }).toEqual({ clients: 2, problem: undefined })
  expect(settings).toEqual([
    'polaris:',
    '  # clientsField: not detected',
    '  clientIdField: "No"',
    '  modifiedAtField: "DateModification"',
  ])
})

test('says why the id was not detected, and still lists the fields', async () => {
  const page = { hasMoreResults: false, checkPoint: null, serverTime: undefined, tookMs: 0, bytes: 0 }
  const source = { read: async () => ({ ...page, clients: [{ Id: '1', Code: '2' }] }) }
  const { fields, problem, settings } = await surveyStream({ config: streamConfig(), source }, anyClock(), never)
  expect(fields.map(({ path }) => path)).toEqual(['Code', 'Id'])
  expect(problem).toBe('find the client id: several fields could be the id (Id, Code); set POLARIS_CLIENT_ID_FIELD')
  expect(settings).toContain('  # clientIdField: not detected')
})

test('has no settings when no client was modified', async () => {
  const { fields, problem, settings } = await survey([])
  expect({ fields, problem, settings }).toEqual({
    fields: [],
    problem: undefined,
    settings: [
      'polaris:',
      '  # clientsField: not detected',
      '  # clientIdField: not detected',
      '  # modifiedAtField: not detected',
    ],
  })
})
