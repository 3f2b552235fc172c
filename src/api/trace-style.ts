/** The style of a trace's page: both schemes of colour, no font that is to be loaded. */
export const TRACE_STYLE = `
:root { color-scheme: light dark; --line: #8884; --bar: #d9822b; --fault: #b3261e; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 90rem; padding: 1rem 1.5rem; }
h1 { font-size: 1.4rem; margin: .5rem 0; }
h2 { font-size: 1.1rem; margin: 1.25rem 0 .5rem; }
code { font: .875em ui-monospace, monospace; }
.note { font-size: .85rem; opacity: .75; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .15rem .5rem; text-align: left; white-space: nowrap; }
td:nth-child(3), td:nth-child(4) { font-variant-numeric: tabular-nums; text-align: right; }
th.bar { width: 50%; }
i { background: var(--bar); display: block; height: .8em; min-width: 2px; }
b { color: var(--fault); }
`;
