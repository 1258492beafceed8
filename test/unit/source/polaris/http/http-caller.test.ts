import { expect, it } from 'vitest'
import { offeredSchemes } from '../../../../../connector/source/polaris/http/http-caller.ts'

it.each([
  [
    ['Negotiate', 'NTLM'],
    ['Negotiate', 'NTLM'],
  ],
  [['negotiate, ntlm, BASIC realm="a, Digest b"'], ['negotiate', 'ntlm', 'BASIC']],
  [['Digest realm="polaris", nonce = "x", qop="auth", Basic realm="y"'], ['Digest', 'Basic']],
  [['NTLM TlRMTVNTUAACAAAA=='], ['NTLM']],
  [['Bearer error="invalid_token", error_description="Dupont"'], ['Bearer']],
  [['Dupont realm="Dupont", Zoe'], []],
  [['', '  '], []],
])('names the schemes in %j: %j', (headers, names) => {
  expect(offeredSchemes(headers)).toEqual(names)
})
