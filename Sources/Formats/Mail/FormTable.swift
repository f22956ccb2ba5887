/// The rows of HTML tables as labels and values. Tables for the layout alone hold other tables, whose rows count, not theirs.
enum FormTable {
    static let rowsMax = 2000
    static let depthMax = 100

    struct Cell {
        var text: [UInt8] = []
        var boldBytes = 0
        var isHead = false

        var value: String { FormMail.value(Charset.string(text).split(separator: "\n", omittingEmptySubsequences: false)) }
        /// All of it is printed bold, as tools print labels.
        func isBold(_ value: String) -> Bool {
            isHead || boldBytes > 0 && boldBytes >= text.filter { !ASCII.isSpace($0) }.count && !value.isEmpty
        }
    }

    static func fields(_ html: String, labels: [String: Bool]) -> [FormMail.Field] {
        let sink = Sink()
        HTMLEvents.walk(html, into: sink)
        var fields: [FormMail.Field] = []
        /// A label whose value stands in the next row.
        var waiting: String?
        for row in sink.rows where fields.count < FormMail.fieldsMax {
            let cells = row.map { (text: $0.value, cell: $0) }
            var filled = cells.filter { !$0.text.isEmpty }
            if filled.count == 3, filled[0].text.allSatisfy({ $0.isNumber || $0 == "." }) { filled.removeFirst() }  // the question's number
            let isLabelAlone = cells.count == 2 && filled.count == 1 && !cells[0].text.isEmpty && isLabel(filled[0].text)
            if filled.count == 2, isLabel(filled[0].text) {
                if let label = waiting { add(label, "") }
                waiting = nil
                add(filled[0].text, filled[1].text)
            } else if isLabelAlone, waiting == nil, isKnown(filled[0].text) {
                add(filled[0].text, "")
            } else if filled.count == 1 {
                let (text, cell) = filled[0]
                let isNext = isLabel(text) && (isKnown(text) || cell.isBold(text))
                if let label = waiting, !(isNext && isKnown(text)) {
                    add(label, text)
                    waiting = nil
                } else {
                    if let label = waiting { add(label, "") }
                    waiting = isNext ? text : nil
                }
            } else if let label = waiting, filled.isEmpty {
                add(label, "")
                waiting = nil
            }
        }
        if let label = waiting { add(label, "") }
        return fields

        func isLabel(_ text: String) -> Bool { text.count <= FormMail.labelCharactersMax && !FormMail.key(text).isEmpty }
        func isKnown(_ text: String) -> Bool { labels[FormMail.key(text)] != nil }
        func add(_ label: String, _ value: String) {
            if value.isEmpty, !isKnown(label) { return }
            fields.append(FormMail.Field(label: FormMail.bare(label), value: value))
        }
    }

    private final class Sink: HTMLSink {
        private(set) var rows: [[Cell]] = []
        /// Open rows, outermost first; the last cell of the last one takes the text when it is open.
        private var open: [(cells: [Cell], isCellOpen: Bool, hasTable: Bool)] = []
        private var bold = 0
        private var hidden = 0
        private static let unseen: Set<String> = ["script", "style", "head", "title", "template", "select", "textarea", "noscript"]
        private static let lines: Set<String> = [
            "br", "p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre",
        ]

        override func start(_ tag: HTMLTag, _ attributes: HTMLAttributes) {
            let name = tag.name
            if hidden > 0 || Self.unseen.contains(name) {
                hidden += 1
                return
            }
            switch name {
            case "tr" where open.count < FormTable.depthMax:
                if !open.isEmpty { open[open.count - 1].hasTable = true }
                open.append(([], false, false))
            case "td", "th":
                guard !open.isEmpty else { return }
                var cell = Cell()
                cell.isHead = name == "th"
                open[open.count - 1].cells.append(cell)
                open[open.count - 1].isCellOpen = true
            case "b", "strong": bold += 1
            default: if Self.lines.contains(name) { append(ASCII.lf) }
            }
        }

        override func end(_ tag: HTMLTag) {
            let name = tag.name
            if hidden > 0 {
                hidden -= 1
                return
            }
            switch name {
            case "tr":
                guard let row = open.popLast(), !row.hasTable, !row.cells.isEmpty, rows.count < FormTable.rowsMax else { return }
                rows.append(row.cells)
            case "td", "th": if !open.isEmpty { open[open.count - 1].isCellOpen = false }
            case "b", "strong": bold = max(0, bold - 1)
            default: if Self.lines.contains(name), name != "br" { append(ASCII.lf) }
            }
        }

        override func text(_ bytes: UnsafeBufferPointer<UInt8>) {
            guard hidden == 0 else { return }
            var i = 0
            while i < bytes.count {
                if bytes[i] == 0xC2, i + 1 < bytes.count, bytes[i + 1] == 0xA0 {  // no-break space
                    append(ASCII.space)
                    i += 1
                } else {
                    append(ASCII.isSpace(bytes[i]) ? ASCII.space : bytes[i])
                }
                i += 1
            }
        }

        private func append(_ byte: UInt8) {
            let row = open.count - 1
            guard row >= 0, open[row].isCellOpen, open[row].cells[open[row].cells.count - 1].text.count < FormMail.valueBytesMax else {
                return
            }
            let cell = open[row].cells.count - 1
            let last = open[row].cells[cell].text.last
            if byte == ASCII.space, last == nil || last == ASCII.space || last == ASCII.lf { return }
            open[row].cells[cell].text.append(byte)
            if bold > 0, !ASCII.isSpace(byte) { open[row].cells[cell].boldBytes += 1 }
        }
    }
}
