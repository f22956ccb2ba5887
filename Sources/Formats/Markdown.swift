/// CommonMark as our own people write it in answers and journey steps.
public enum Markdown {
    /// Raw HTML and dangerous links are left out.
    /// - Parameter hardBreaks: a line break in the source is one in the output, as agents expect of an answer.
    public static func html(_ md: String, hardBreaks: Bool = false) -> String { "" }

    /// For the text/plain part: no marks, links as `text: url`.
    public static func text(_ md: String) -> String { "" }
}
