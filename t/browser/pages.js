// Pages to put tokens into: plain ones, and what browsers make of odd ones.
// They are for a page's own origin http://pages.localhost:PORT.

const form = '<form method="post" action="/x"><input name="a"></form>';
const field = '<input type="hidden" name="csrfmiddlewaretoken" value="mine">';

export function pages_written(origin) {
    return [
        `<!DOCTYPE html><html><head><meta charset="utf-8"><title>x</title></head><body>${form}</body></html>`,
        `<!DOCTYPE html><title>x</title>${form}${form}`,
        `${form}`,
        `<p>text</p>${form}`,
        `<!-- c --><!DOCTYPE html><html lang="en"><head><meta name="a" content="b"><meta charset=utf-8><script>1</script></head>${form}`,
        `<p>${form}<p>`,
        `<form method=post>`,
        `<form method=post><p>open to the end`,
        `<body>${form}</body></html><!-- behind -->`,
        `<form METHOD = 'POST' ACTION = "?a=1&amp;b=2"><button>x</button></form>`,
        `<form method=post action=""><button>x</button></form>`,
        `<form method=post action="${origin}/y"><button>x</button></form>`,
        `<form method=post action="//${origin.slice(7)}/y"></form>`,
        `<form method=post action="https://other.example/"></form>${form}`,
        `<form method=post action="//other.example/"></form>${form}`,
        `<form method=post action="/\\other.example/"></form>${form}`,
        `<form method=post action="/&#9;/other.example/"></form>${form}`,
        `<form method=post action="java&#115;cript:1"></form>${form}`,
        `<form method=post action="http:///other.example/"></form>${form}`,
        `<form method=post action="http:\\\\other.example/"></form>${form}`,
        `<form method=post action="${origin}@other.example/"></form>${form}`,
        `<form method=post action="${origin}.other.example/"></form>${form}`,
        `<form method=get action="/x"></form><form></form><form method=dialog></form>${form}`,
        `<form method=post method=get></form><form method=get method=post></form>`,
        `<form method=post action=/x action=//other.example></form>`,
        `<form method=post>${field}</form>${form}`,
        `<form method=post enctype="multipart/form-data"><input type=file name=f></form>${form}`,
        `<form enctype=multipart/form-data action="//other.example" method=post></form>${form}`,
        `<form method=post><button formaction="//other.example/">x</button></form>${form}`,
        `<form method=post><input type=submit formaction=/y></form>`,
        `<base href="//other.example/"><form method=post action=y></form>${form}`,
        `<base href="${origin}/a/"><base href="//other.example/"><form method=post action=y></form>`,
        `<!-- ${form} --><p>x ${form}`,
        `<!--> ${form} --> ${form}`,
        `<!---> ${form} --> ${form}`,
        `<!-- a --!> ${form} --> ${form}`,
        `<!-- a -- > ${form} --->${form}`,
        `<? ${form} ?>${form}`,
        `</ ${form} >${form}`,
        `<script>"${form}"</script>${form}`,
        `<script><!-- "<script>" ${form} </script> ${form} --></script>${form}`,
        `<script><!-- ${form} </script>${form}`,
        `<script><!--></script>${form}`,
        `<script><!-- <script> --></script>${form}`,
        `<SCRIPT>${form}</ScRiPt\n>${form}`,
        `<script>${form}</scripts></script x="${form}">${form}`,
        `<style>${form}</style>${form}`,
        `<title>${form}</title>${form}`,
        `<textarea>${form}</textarea>${form}`,
        `<textarea>${form}</textareas></textarea>${form}`,
        `<iframe>${form}</iframe>${form}`,
        `<xmp>${form}</xmp>${form}`,
        `<noembed>${form}</noembed>${form}`,
        `<noframes>${form}</noframes>${form}`,
        `${form}<plaintext>${form}`,
        `<template>${form}<template>${form}</template>${form}</template>${form}`,
        `<a title='${form}'>x</a>${form}`,
        `<a title="${form.replaceAll('"', '\'')}">x</a>${form}`,
        `<a title=${form}>x</a>`,
        `<a b="c"title='>${form}'>x</a>${form}`,
        `<a ="${form}">`,
        `<a b = "${form.replaceAll('"', '')}">${form}`,
        `<a/b="${form.replaceAll('"', '')}"/>${form}`,
        `<a b='c" d='e>${form}'>${form}`,
        `<x"y>${form}</x"y>`,
        `<table>${form}<tr><td>${form}</table>`,
        `<form method=post><form method=post action="//other.example"></form>${form}`,
        `<div><form method=post><div></form><p>x</div></div>${form}`,
        `<p>a &lt;form&gt; < form method=post> <3 <> ${form}`,
        `<button>${form}</button>`,
        `<svg><circle r="1"/></svg>${form}`,
        `\ufeff<!DOCTYPE html>${form}`,
        `<!DOCTYPE html>\0<p>\0${form}`,
        `<form method=post action="/x"><input name="csrfmiddlewaretoken"></form>`,
        `<form method=post action="/x"><textarea>${field}</textarea></form>`,
        `<form method=post action="/x"><template>${field}</template></form>`,
    ];
}

// Pages out of the words that matter, in any order.
export function pages_random(count, seed) {
    const words = [
        '<form method=post action="/x">', '<form method="post">', '</form>',
        '<form action=\'/q\'>', '<form method=post action=//other.example>',
        '<input name="a">', '<input name=csrfmiddlewaretoken>', '<p>', '</p>',
        '<div class="a>b">', '</div>', '<a title=\'<form method=post>\'>',
        '<a href=x<y title="', '"', '\'', '>', '<', '</', '=', ' ', '\n',
        '<!--', '-->', '--!>', '<script>', '</script>', '<script ', '<style>',
        '</style>', '<textarea>', '</textarea>', '<title>', '</title>',
        '<template>', '</template>', '<button formaction="/y">', '</button>',
        '<br/>', 'text', '&amp;', '<!x>', '<?x>', '</x y="z">', 'b=c',
    ];
    let state = seed;
    const next = limit => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % limit;
    };

    return Array.from({ length: count }, () => '<!DOCTYPE html>'
        + Array.from({ length: 3 + next(22) },
                     () => words[next(words.length)]).join(''));
}
