import CMark

/// Writes a CommonMark tree as plain text, node by node.
struct MarkdownTextWriter {
    /// What the lines of an open block begin with; the first line of a list item has its dash or number instead.
    private struct Prefix {
        var first: String?
        var others: String
    }

    private var out = ""
    private var prefixes: [Prefix] = []
    private var numbers: [Int?] = []
    /// Line ends owed before the next words; 2 makes an empty line.
    private var breaks = 0
    private var links: [String.Index] = []

    func finished() -> String { out }

    mutating func take(_ node: OpaquePointer, isEntering: Bool) {
        switch cmark_node_get_type(node) {
        case CMARK_NODE_TEXT, CMARK_NODE_CODE: write(literal(node))
        case CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK: owe(1)
        case CMARK_NODE_CODE_BLOCK: codeBlock(literal(node))
        case CMARK_NODE_THEMATIC_BREAK:
            write("---")
            owe(2)
        case CMARK_NODE_PARAGRAPH, CMARK_NODE_HEADING: if !isEntering { owe(isTight(node) ? 1 : 2) }
        case CMARK_NODE_BLOCK_QUOTE: isEntering ? prefixes.append(Prefix(first: nil, others: "> ")) : close()
        case CMARK_NODE_LIST: list(node, isEntering: isEntering)
        case CMARK_NODE_ITEM: isEntering ? openItem() : close()
        case CMARK_NODE_LINK, CMARK_NODE_IMAGE: link(node, isEntering: isEntering)
        default: break
        }
    }

    private func isTight(_ paragraph: OpaquePointer) -> Bool {
        guard let item = cmark_node_parent(paragraph), cmark_node_get_type(item) == CMARK_NODE_ITEM, let list = cmark_node_parent(item)
        else {
            return false
        }
        return cmark_node_get_list_tight(list) != 0
    }

    private func literal(_ node: OpaquePointer) -> String { cmark_node_get_literal(node).map { String(cString: $0) } ?? "" }

    private mutating func codeBlock(_ code: String) {
        var lines = code.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        for line in lines {
            write(String(line))
            owe(1)
        }
        owe(2)
    }

    private mutating func list(_ node: OpaquePointer, isEntering: Bool) {
        if isEntering {
            numbers.append(cmark_node_get_list_type(node) == CMARK_ORDERED_LIST ? Int(cmark_node_get_list_start(node)) : nil)
        } else {
            numbers.removeLast()
            if numbers.isEmpty { owe(2) }
        }
    }

    private mutating func openItem() {
        var mark = "- "
        if let last = numbers.indices.last, let number = numbers[last] {
            mark = "\(number). "
            numbers[last] = number &+ 1
        }
        prefixes.append(Prefix(first: mark, others: String(repeating: " ", count: mark.utf8.count)))
    }

    private mutating func close() {
        if prefixes.last?.first != nil { write("") }  // an empty item still has its dash
        prefixes.removeLast()
        owe(1)
    }

    /// The address follows the words unless they are the same.
    private mutating func link(_ node: OpaquePointer, isEntering: Bool) {
        if isEntering {
            write("")
            links.append(out.endIndex)
            return
        }
        guard let start = links.popLast() else { return }
        let url = cmark_node_get_url(node).map { String(cString: $0) } ?? ""
        let shown = String(out[start...])
        if url.isEmpty || shown == url || "mailto:" + shown == url { return }
        write(shown.isEmpty ? url : ": \(url)")
    }

    private mutating func owe(_ count: Int) { if !out.isEmpty { breaks = max(breaks, count) } }

    private mutating func write(_ text: String) {
        if breaks > 0 || out.isEmpty {
            if breaks > 0 { out += "\n" }
            if breaks > 1 {
                var bare = prefixes.map(\.others).joined()
                while bare.utf8.last == ASCII.space { bare.removeLast() }
                out += bare + "\n"
            }
            breaks = 0
            for index in prefixes.indices { begin(index) }
        } else {
            for index in prefixes.indices where prefixes[index].first != nil { begin(index) }
        }
        out += text
    }

    private mutating func begin(_ index: Int) {
        out += prefixes[index].first ?? prefixes[index].others
        prefixes[index].first = nil
    }
}
