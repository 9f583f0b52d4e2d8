/* SPDX-License-Identifier: MIT */
/* The stylesheet of every page that rimg writes. Colours are never the only sign of anything: what
 * they mark also has a word or a letter.
 *
 * Layout    .page (the whole, at most so wide), .split > nav + main (side by side, below one
 *           another when narrow), .cards > .card (numbers in a row; .big the number)
 * Verdicts  .verdict with .good, .bad or .doubt; .tag (a word in a frame), also with these
 * Text      .path (breaks anywhere), .quiet (less important), .num (right-aligned digits),
 *           .note (a statement about the page itself), table.wide (scrolls inside of .scroll),
 *           .old, .new (the two sides of a change)
 * Folding   details > summary
 * Causes    .c-NAME on .tag or on SVG shapes, with NAME as rimg_cause_name() spells it
 * Owners    .o-free, .o-file, .o-file2, .o-dir, .o-meta, .o-gap, .o-0 ... .o-5 on SVG shapes */
#include "core/html.h"

#define BASE                                                                                       \
	":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--quiet:#59636e;--line:#d1d9e0;"     \
	"--soft:#f6f8fa;--link:#0550ae;--good:#116329;--bad:#b3261e;--doubt:#8a5300;"              \
	"--old:#ffebe9;--new:#dafbe1;--free:#eceff2;--file:#b9d9f7;--file2:#8fbfec;--dir:#d9c8f5;" \
	"--meta:#f7dd94;--gap:#fff;--p0:#e2d3bd;--p1:#c4e8c2;--p2:#f7ccb7;--p3:#b8e2de;"           \
	"--p4:#f3c9de;--p5:#d9e3a6}\n"                                                             \
	"@media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e4e8ec;--quiet:#9aa5b1;"       \
	"--line:#3a424b;--soft:#1d2126;--link:#7cb7ff;--good:#5fd068;--bad:#ff8178;"               \
	"--doubt:#e3a13b;--old:#4b1d1c;--new:#153a20;--free:#262b31;--file:#274966;"               \
	"--file2:#1f6391;--dir:#453463;--meta:#5c4a1a;--gap:#14171b;--p0:#4b4032;--p1:#28502c;"    \
	"--p2:#643a28;--p3:#1f504c;--p4:#5a2f46;--p5:#474d1c}}\n"                                  \
	"*{box-sizing:border-box}\n"                                                               \
	"html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}\n"                            \
	"body{margin:0;background:var(--bg);color:var(--fg);"                                      \
	"font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"      \
	"code,pre,.path,.num,.mono{font-family:ui-monospace,'SFMono-Regular',Menlo,Consolas,"      \
	"'DejaVu Sans Mono',monospace;font-size:.9em}\n"                                           \
	"h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}\n"                                 \
	"h2{font-size:1.2rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;"                         \
	"border-bottom:1px solid var(--line)}\n"                                                   \
	"h3{font-size:1rem;margin:1.4rem 0 .4rem}\n"                                               \
	"p{margin:.4rem 0}\n"                                                                      \
	"a{color:var(--link);text-decoration:none}\na:hover,a:focus{text-decoration:underline}\n"  \
	":focus-visible{outline:2px solid var(--link);outline-offset:2px}\n"

#define LAYOUT                                                                                    \
	".page{max-width:90rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}\n"                      \
	".split{display:grid;grid-template-columns:minmax(15rem,22rem) minmax(0,1fr);gap:2rem;"   \
	"align-items:start}\n"                                                                    \
	".split>nav{position:sticky;top:0;max-height:100vh;overflow:auto;padding:.5rem 0 2rem}\n" \
	".split>nav h2{margin-top:.6rem}.split>main>h2:first-child{margin-top:1.1rem}\n"          \
	"@media(max-width:60rem){.split{grid-template-columns:minmax(0,1fr);gap:0}"               \
	".split>nav{position:static;max-height:none;overflow:visible}"                            \
	".page{padding:1rem .8rem 3rem}}\n"                                                       \
	".cards{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}\n"                          \
	".card{flex:1 1 9rem;background:var(--soft);border:1px solid var(--line);"                \
	"border-radius:6px;padding:.6rem .8rem;min-width:min-content}\n"                          \
	".card .big{display:block;font-size:1.25rem;font-weight:600;"                             \
	"font-variant-numeric:tabular-nums;white-space:nowrap}\n"                                 \
	".scroll{overflow-x:auto}\n"                                                              \
	"table{border-collapse:collapse;margin:.5rem 0}\n"                                        \
	"th,td{text-align:left;vertical-align:baseline;padding:.2rem .9rem .2rem 0;"              \
	"border-bottom:1px solid var(--line)}\n"                                                  \
	"th{font-weight:600;color:var(--quiet)}th.num{font-family:inherit;font-size:inherit}\n"   \
	"table.wide th,table.wide td{white-space:nowrap}\n"                                       \
	"td.num,th.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"  \
	"@media(max-width:40rem){table.wide th,th.num{white-space:normal}}\n"                     \
	"ul{margin:.2rem 0;padding-left:1.2rem}\nul.plain{list-style:none;padding-left:0}\n"      \
	"dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem .8rem;"        \
	"margin:.4rem 0}\ndt{color:var(--quiet)}\ndd{margin:0;overflow-wrap:anywhere}\n"          \
	"@media(max-width:30rem){dl{grid-template-columns:minmax(0,1fr)}dd{margin-left:1rem}}\n"

#define TEXT                                                                                    \
	".path{overflow-wrap:anywhere}\n.quiet{color:var(--quiet)}\n"                           \
	".note{color:var(--quiet);border-left:3px solid var(--line);padding-left:.7rem;"        \
	"margin:.6rem 0}\n"                                                                     \
	".note.loud{color:var(--fg);border-color:var(--doubt)}\n"                               \
	".verdict{font-size:1.1rem;font-weight:600;border-left:5px solid;padding:.3rem .8rem;"  \
	"margin:.8rem 0;background:var(--soft)}\n"                                              \
	".good{color:var(--good);border-color:var(--good)}\n"                                   \
	".bad{color:var(--bad);border-color:var(--bad)}\n"                                      \
	".doubt{color:var(--doubt);border-color:var(--doubt)}\n"                                \
	".tag{display:inline-block;border:1px solid currentColor;border-radius:4px;"            \
	"padding:0 .35em;font-size:.8em;line-height:1.45;white-space:nowrap}\n"                 \
	".old{background:var(--old)}\n.new{background:var(--new)}\n"                            \
	".old,.new{overflow-wrap:anywhere;border-radius:3px;padding:0 .2em;"                    \
	"-webkit-box-decoration-break:clone;box-decoration-break:clone}\n"                      \
	"pre{margin:.4rem 0;padding:.6rem .8rem;background:var(--soft);"                        \
	"border:1px solid var(--line);border-radius:6px;overflow-x:auto;line-height:1.4}\n"     \
	"details{margin:.15rem 0}\nsummary{cursor:pointer;overflow-wrap:anywhere}\n"            \
	"details>:not(summary){margin-left:1.1rem}details>svg{max-width:calc(100% - 1.1rem)}\n" \
	":target{outline:2px solid var(--link);outline-offset:3px;border-radius:3px}\n"         \
	"@media print{.split{display:block}.split>nav{position:static;max-height:none}"         \
	"a{color:inherit}}\n"

/* White letters on each of these have a contrast of at least 4.5. */
#define CAUSES                                                                     \
	"[class*=' c-'].tag{color:#fff;border-color:transparent}\n"                \
	".tag.c-content{background:#c2255c}rect.c-content{fill:#c2255c}\n"         \
	".tag.c-codegen{background:#9c36b5}rect.c-codegen{fill:#9c36b5}\n"         \
	".tag.c-build-path{background:#6741d9}rect.c-build-path{fill:#6741d9}\n"   \
	".tag.c-build-id{background:#3b5bdb}rect.c-build-id{fill:#3b5bdb}\n"       \
	".tag.c-symbol-hash{background:#1864ab}rect.c-symbol-hash{fill:#1864ab}\n" \
	".tag.c-identifier{background:#0b7285}rect.c-identifier{fill:#0b7285}\n"   \
	".tag.c-timestamp{background:#087f5b}rect.c-timestamp{fill:#087f5b}\n"     \
	".tag.c-unexplained{background:#c92a2a}rect.c-unexplained{fill:#c92a2a}\n" \
	".tag.c-ordering{background:#237032}rect.c-ordering{fill:#237032}\n"       \
	".tag.c-compression{background:#4d7c0f}rect.c-compression{fill:#4d7c0f}\n" \
	".tag.c-placement{background:#a15200}rect.c-placement{fill:#a15200}\n"     \
	".tag.c-free-space{background:#b83a0c}rect.c-free-space{fill:#b83a0c}\n"   \
	".tag.c-padding{background:#5f6873}rect.c-padding{fill:#5f6873}\n"         \
	".tag.c-checksum{background:#495057}rect.c-checksum{fill:#495057}\n"

#define MAPS                                                                                       \
	"svg{display:block;max-width:100%;height:auto}\n"                                          \
	"svg text{font:600 9px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"          \
	"fill:#fff;text-anchor:middle;pointer-events:none}\n"                                      \
	"svg text.ground{fill:var(--quiet);font-weight:400}\n"                                     \
	"svg text.side{fill:var(--quiet);text-anchor:end;font-weight:400}\n"                       \
	".o-free{fill:var(--free)}.o-file{fill:var(--file)}.o-file2{fill:var(--file2)}"            \
	".o-dir{fill:var(--dir)}.o-meta{fill:var(--meta)}.o-gap{fill:url(#hatch)}"                 \
	".o-0{fill:var(--p0)}.o-1{fill:var(--p1)}.o-2{fill:var(--p2)}.o-3{fill:var(--p3)}"         \
	".o-4{fill:var(--p4)}.o-5{fill:var(--p5)}\n"                                               \
	".hatch{fill:var(--gap);stroke:var(--quiet);stroke-width:.6}\n"                            \
	".edge{fill:none;stroke:var(--quiet);stroke-width:.5}\n"                                   \
	"svg a:hover rect,svg a:focus rect{stroke:var(--fg);stroke-width:1.5}\n"                   \
	".legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.4rem 0;font-size:.9em}\n"      \
	".legend svg{display:inline-block;vertical-align:-2px;margin-right:.3em}\n"                \
	".zoom{display:none}.zoom:target{display:block;outline:none;border:1px solid var(--line);" \
	"border-radius:6px;padding:.6rem .8rem;margin:.8rem 0;background:var(--soft)}\n"           \
	"@media print{.zoom{display:block}}\n"

const char html_style[] = BASE LAYOUT TEXT CAUSES MAPS;
