// Thread: any
/** `[[templates]]`: placeholders that exist, and one wording for each kind of notification, app and language. */
import { checkSection } from './check-section.ts';
import { membersOf } from './check-servers.ts';
import { templateKeys } from './push-schema.ts';
import type { Checking } from './check-section.ts';
import type { TemplateConfig } from './engine-config.ts';

// Ten apps in 25 languages, four kinds each.
const templatesMax = 1000;

const inTitle = ['sender', 'sender_name', 'room', 'room_name', 'count', 'app'];
const inBody = [...inTitle, 'body'];

export function checkTemplates(raw: unknown, checking: Checking): readonly TemplateConfig[] {
  const places = new Map<string, string>();
  return membersOf(raw, { path: 'templates', max: templatesMax }, checking).map((member, index) => {
    const path = `templates.${index}`;
    const template = checkSection({ raw: member, path }, templateKeys, checking);
    checkPlaceholders(template.title, { path: `${path}.title`, known: inTitle }, checking);
    checkPlaceholders(template.body, { path: `${path}.body`, known: inBody }, checking);
    reportRepeat(template, path, { places, checking });
    return template;
  });
}

function checkPlaceholders(
  text: string,
  { path, known }: { readonly path: string; readonly known: readonly string[] },
  { issues }: Checking,
): void {
  if (issues.has(path)) return;
  const list = known.map((name) => `{${name}}`).join(', ');
  for (const [whole, name = ''] of text.matchAll(/\{([^{}]*)\}/g)) {
    if (known.includes(name)) continue;
    const problem = name === 'body' ? 'holds {body}, which only body may' : `holds ${JSON.stringify(whole)}`;
    issues.add(path, problem, `placeholders here are ${list}`);
    return;
  }
  if (/\{\{|\}\}/.test(text)) issues.add(path, 'holds doubled braces', `write one on each side: ${list}`);
}

function reportRepeat(
  template: TemplateConfig,
  path: string,
  { places, checking }: { readonly places: Map<string, string>; readonly checking: Checking },
): void {
  const { issues } = checking;
  if (issues.has(path, `${path}.for`, `${path}.app`, `${path}.language`)) return;
  const key = JSON.stringify([template.for, template.app, template.language.toLowerCase()]);
  const first = places.get(key);
  if (first === undefined) places.set(key, path);
  else issues.add(path, `has the same for, app and language as ${first}`, 'remove one of the two');
}
