// Makes a SQLite table of the clients that a sample consumer prints: one row a client, one column a field of the schema.
// usage: node clients.js BROKERS TOPIC | node table.js SCHEMA DATABASE [QUERY]
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'

const [schema, file, query] = process.argv.slice(2)
const fields = Object.entries(JSON.parse(readFileSync(schema, 'utf8')).properties)
const types = { integer: 'INTEGER', number: 'NUMERIC', boolean: 'INTEGER' }
const typeOf = ({ type, anyOf: [first] = [] }) => types[type ?? first?.type] ?? 'TEXT'
const isFirst = ([name], at) => fields.findIndex(([other]) => other.toLowerCase() === name.toLowerCase()) === at
const columns = fields.filter(isFirst) // names of columns have no case
const quoted = (name) => `"${name.replaceAll('"', '""')}"`

const database = new DatabaseSync(file)
database.exec(`DROP TABLE IF EXISTS clients;
  CREATE TABLE clients (_client TEXT PRIMARY KEY, ${columns.map(([name, field]) => `${quoted(name)} ${typeOf(field)}, `).join('')}_data TEXT)`)
const places = Array(columns.length + 2).fill('?')
const insert = database.prepare(`INSERT INTO clients VALUES (${places})`)

/** A number keeps all its digits. */
const digits = (_, value, { source }) => (typeof value === 'number' ? JSON.rawJSON(source) : value)

/** A list or an object is JSON. */
function cell(value = null) {
  if (typeof value === 'boolean') return Number(value)
  if (JSON.isRawJSON(value)) return value.rawJSON
  return value === null || typeof value === 'string' ? value : JSON.stringify(value)
}

database.exec('BEGIN')
for await (const line of createInterface({ input: process.stdin })) {
  const { subject, data } = JSON.parse(line, digits)
  insert.run(subject, ...columns.map(([name]) => cell(data[name])), JSON.stringify(data))
}
database.exec('COMMIT')
if (query !== undefined) console.table(database.prepare(query).all())
