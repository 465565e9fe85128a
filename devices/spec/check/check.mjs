// Holds the published contract against public tools. Usage: node check.mjs DIR [THING-DESCRIPTION...]
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import parserPackage from '@asyncapi/parser'
import Ajv2020 from 'ajv/dist/2020.js'
import Ajv from 'ajv'
import addFormats from 'ajv-formats'

const [dir, ...things] = process.argv.slice(2)
const wrong = []
const read = (path) => JSON.parse(readFileSync(path, 'utf8'))

// Every schema compiles, strictly, and judges the golden messages as our decoders do.
const ajv = new Ajv2020.default({ strict: true, strictRequired: false, allowUnionTypes: true })
addFormats.default(ajv)
const validators = {}
for (const file of readdirSync(join(dir, 'schemas'))) {
  try {
    validators[file.replace('.json', '')] = ajv.compile(read(join(dir, 'schemas', file)))
  } catch (err) {
    wrong.push(`schemas/${file}: ${err.message}`)
  }
}
const messages = read(new URL('../../testdata/messages.json', import.meta.url))
for (const m of messages) {
  const validate = validators[m.message]
  if (validate && validate(m.json) !== m.valid) wrong.push(`${m.message}, ${m.name}: ajv says ${!m.valid}; want ${m.valid}: ${ajv.errorsText(validate.errors)}`)
}

// The AsyncAPI document has neither errors nor warnings; the parser's only hint may be that a newer version exists.
const { diagnostics } = await new parserPackage.Parser().parse(readFileSync(join(dir, 'asyncapi.json'), 'utf8'))
for (const d of diagnostics) if (d.severity < 2) wrong.push(`asyncapi.json: ${d.path.join('.')}: ${d.message}`)

// Thing Descriptions are what W3C's schema says.
const require = createRequire(import.meta.url)
const td = new Ajv.default({ strict: false, validateFormats: true })
addFormats.default(td)
const isThing = td.compile(require('@thing-description-playground/core/td-schema.json'))
for (const path of [join(dir, 'thing-description.json'), ...things]) {
  if (!isThing(read(path))) wrong.push(`${path}: ${td.errorsText(isThing.errors)}`)
}

if (wrong.length > 0) {
  console.error(wrong.join('\n'))
  process.exit(1)
}
console.log(`${Object.keys(validators).length} schemas, ${messages.length} messages, ${diagnostics.length} hints on the AsyncAPI document, ${1 + things.length} Thing Descriptions: all right`)
