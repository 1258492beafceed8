/** The major version of the contract with subscribers. A breaking change needs the next one. */
export const CONTRACT_MAJOR = 1

const urn = `urn:polaris-connector:client.modified:${CONTRACT_MAJOR}`
const path = `v${CONTRACT_MAJOR}/client.schema.json`

/** The `dataschema` of events: below the URL where the contract is served, or a URN if there is none. */
export function dataSchema(contractUrl: string | undefined): string {
  return contractUrl === undefined ? urn : `${contractUrl.replace(/\/+$/, '')}/${path}`
}

const literally = (text: string) => text.replaceAll('.', '\\.')
/** Matches every `dataschema` of this major version. */
export const dataSchemaPattern = `^(${literally(urn)}|https?://.+/${literally(path)})$`

const matching = new RegExp(dataSchemaPattern)
export const isDataSchema = (value: unknown): boolean => typeof value === 'string' && matching.test(value)
