/// HTML of strangers: reduced to text, or made safe to show.
public enum HTMLText {
    /// Lines end in `\n`, blocks are parted by one empty line, links read `text (url)`.
    public static func text(_ html: String) -> String { "" }

    /// Keeps an allow-list of elements, attributes, styles and URL schemes. Remote images lose their `src` (kept as `data-remote-src`)
    /// unless `remoteImages`; `cid:` images stay; links open elsewhere without a referrer.
    public static func sanitised(_ html: String, remoteImages: Bool) -> String { "" }
}
