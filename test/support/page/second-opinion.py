"""Reads the documents of standard input, one in base64 a line, and prints the tree of each as JSON; null: not well-formed.

Python's json and expat are strict, and share no code with the parsers of the connector.
"""

import base64
import json
import re
import sys
from xml.parsers import expat

IGNORED = re.compile(r"^xmlns$|^xmlns:|^xml:|:(?:nil|type|schemaLocation|noNamespaceSchemaLocation)$|^z:(?:Id|Size)$")


# Characters that XML forbids, which the connector replaces.
FORBIDDEN = re.compile("[^\\t\\n\\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def refuse(text):
    raise ValueError(text)


def json_node(value):
    if isinstance(value, str):
        return FORBIDDEN.sub("\ufffd", value)
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ["list", *map(json_node, value)]
    return ["object", *([name, json_node(field)] for name, field in value.items())]


def json_tree(text):
    return json_node(json.loads(text, parse_int=str, parse_float=str, parse_constant=refuse))


def local(name):
    return name[name.find(":") + 1 :]


def xml_tree(text):
    root = {"children": [], "text": ""}
    stack = [root]

    def start(name, pairs):
        attributes = list(zip(pairs[::2], pairs[1::2]))
        is_nil = any(key.endswith(":nil") and value.strip() in ("true", "1") for key, value in attributes)
        fields = [[local(key), value] for key, value in attributes if not IGNORED.search(key)]
        stack.append({"name": local(name), "nil": is_nil, "fields": fields, "children": [], "text": ""})

    def end(_name):
        element = stack.pop()
        content = [*element["fields"], *element["children"]]
        node = None if element["nil"] else ["object", *content] if content else element["text"]
        stack[-1]["children"].append([element["name"], node])

    def data(part):
        stack[-1]["text"] += part

    parser = expat.ParserCreate()
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.Parse(text, True)
    return root["children"][0]


for line in sys.stdin:
    text = base64.b64decode(line).decode("utf-8")
    try:
        tree = xml_tree(text) if sys.argv[1] == "xml" else json_tree(text)
    except (ValueError, expat.ExpatError):
        tree = None
    print(json.dumps({"tree": tree} if tree is not None else None))
