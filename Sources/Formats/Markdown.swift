import CMark

/// CommonMark as our own people write it in answers and journey steps.
public enum Markdown {
    /// Raw HTML and dangerous links are left out.
    /// - Parameter hardBreaks: a line break in the source is one in the output, as agents expect of an answer.
    public static func html(_ md: String, hardBreaks: Bool = false) -> String {
        guard let document = Document(md) else { return "" }
        document.dropRawHTML()
        let options = CMARK_OPT_DEFAULT | (1 << 3) /* CMARK_OPT_SAFE, no effect since 0.29 */ | (hardBreaks ? CMARK_OPT_HARDBREAKS : 0)
        guard let out = cmark_render_html(document.root, options) else { return "" }
        defer { cmark_release(out) }
        return String(cString: out)
    }

    /// For the text/plain part: no marks, links as `text: url`, lists with dashes or numbers, quotations with `> `.
    public static func text(_ md: String) -> String {
        guard let document = Document(md) else { return "" }
        var writer = MarkdownTextWriter()
        document.walk { writer.take($0, isEntering: $1) }
        return writer.finished()
    }

    /// Nodes belong to the document and are freed with it.
    private struct Document: ~Copyable {
        let root: OpaquePointer

        init?(_ md: String) {
            var md = md
            let parsed = md.withUTF8 { buffer in
                buffer.withMemoryRebound(to: CChar.self) { cmark_parse_document($0.baseAddress, $0.count, CMARK_OPT_DEFAULT) }
            }
            guard let parsed else { return nil }
            root = parsed
        }

        deinit { cmark_node_free(root) }

        /// cmark would leave a comment in its place.
        func dropRawHTML() {
            var raw: [OpaquePointer] = []
            walk { node, isEntering in
                let type = cmark_node_get_type(node)
                if isEntering, type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE { raw.append(node) }
            }
            for node in raw { cmark_node_free(node) }
        }

        func walk(_ visit: (OpaquePointer, Bool) -> Void) {
            guard let iterator = cmark_iter_new(root) else { return }
            defer { cmark_iter_free(iterator) }
            while true {
                let event = cmark_iter_next(iterator)
                if event == CMARK_EVENT_DONE { return }
                if let node = cmark_iter_get_node(iterator) { visit(node, event == CMARK_EVENT_ENTER) }
            }
        }
    }
}
