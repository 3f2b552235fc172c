/** The style of the reference page: one column, both schemes of colour, no font that is to be loaded. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --get: #0a7d4b; --write: #a8580a; --delete: #b3261e; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1.5rem; }
h1 small { font-weight: 400; opacity: .6; }
h2 { border-bottom: 1px solid var(--line); margin: 2rem 0 .5rem; padding-bottom: .25rem; }
code { font: .875em ui-monospace, monospace; background: var(--soft); border-radius: 4px; padding: .1em .35em; overflow-wrap: anywhere; }
nav a { margin-right: 1rem; }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; padding: .5rem .75rem; }
summary { cursor: pointer; display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
summary > span:last-child { flex-basis: 100%; opacity: .8; }
.method { color: #fff; background: var(--write); min-width: 4.2em; text-align: center; }
.method.get { background: var(--get); }
.method.delete { background: var(--delete); }
.role { border: 1px solid var(--line); border-radius: 99px; font-size: .75rem; margin-left: auto; padding: 0 .6em; }
table { border-collapse: collapse; font-size: .9rem; margin: .75rem 0; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { border: 0; font-weight: 600; opacity: .7; }
`;
