import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { clientSchema } from '../../../connector/event/client-schema.ts'
import type { ValueType } from '../../../connector/event/fields/field-types.ts'
import { fieldTable } from '../../../connector/pipeline/features/fields/field-table.ts'

const file = (path: string) => fileURLToPath(new URL(`../../../contract/${path}`, import.meta.url))
const typed = readFileSync(file('v1/examples/client-typed.json'), 'utf8').replaceAll('\n', '')

test('the sample table has a column for each field of the served schema, with its type and all digits', () => {
  const folder = mkdtempSync(join(tmpdir(), 'table-'))
  try {
    const table = fieldTable({ clients: 0, fields: [] })
    table.add({ No: '1', NO: '2', AccepteMailing: 'true', Adresse: {}, Cartes: [], ChiffreAffaires: '1', Memo: 'x' }, 0)
    const types = new Map<string, ValueType>([
      ['acceptemailing', 'boolean'],
      ['chiffreaffaires', 'decimal'],
      ['memo', 'integer'],
    ])
    const parts = { source: '/polaris/shops/clients', lists: ['Cartes'], rules: undefined, types }
    const [schema, database] = [join(folder, 'schema.json'), join(folder, 'clients.sqlite')]
    writeFileSync(schema, JSON.stringify(clientSchema({ ...parts, fields: table.fields() })))
    const other = '{"subject":"2","data":{"No":"2","ChiffreAffaires":9007199254740993,"Memo":"007 x"}}'
    const args = ['--disable-warning=ExperimentalWarning', file('consumers/node/table.js'), schema, database]
    const { stderr } = spawnSync(process.execPath, args, { input: `${typed}\n${other}\n`, encoding: 'utf8' })
    expect(stderr).toBe('')
    const opened = new DatabaseSync(database)
    const columns = `_client, "No", AccepteMailing, Adresse ->> 'CodePostal' AS code, Cartes ->> 0 ->> 'Points' AS points,
      CAST(ChiffreAffaires AS TEXT) AS revenue, Memo, typeof(ChiffreAffaires) AS type`
    expect(opened.prepare(`SELECT ${columns} FROM clients ORDER BY _client`).all()).toEqual([
      {
        ...{ _client: '0001042', No: '0001042', AccepteMailing: 1, code: '01000', points: 120 },
        ...{ revenue: '1204.5', Memo: null, type: 'real' },
      },
      {
        ...{ _client: '2', No: '2', AccepteMailing: null, code: null, points: null },
        ...{ revenue: '9007199254740993', Memo: '007 x', type: 'integer' },
      },
    ])
    opened.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
