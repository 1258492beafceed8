/**
 * Loaded before the program (`node --import`), replaces constants of the built connector by those in `SHORT_TIMES`
 * (JSON), so that a test need not wait for real minutes.
 */
const built = new URL('../../../dist/config/connector-config.js', import.meta.url).href
const { constants } = (await import(built)) as { constants: Constants }

type Constants = { [name: string]: number | Constants }

function replace(all: Constants, by: Constants): void {
  for (const [name, value] of Object.entries(by)) {
    const former = all[name]
    if (former === undefined) throw new Error(`there is no constant ${name}`)
    if (typeof former === 'object' && typeof value === 'object') replace(former, value)
    else all[name] = value
  }
}

replace(constants, JSON.parse(process.env.SHORT_TIMES ?? '{}'))
