/* Files as read-only data. The assembler finds them from the repository root (-I.). */

    .macro embed symbol, file
    .global \symbol
    .hidden \symbol
    .type \symbol, %object
    .balign 64
\symbol:
    .incbin "\file"
    .global \symbol\()_end
    .hidden \symbol\()_end
\symbol\()_end:
    .byte 0
    .size \symbol, . - \symbol
    .endm

    .section .rodata
    embed lstm_embedded_sentiment, model/default_sentiment.safetensors
    embed lstm_embedded_summary, model/default_summary.safetensors
    embed lstm_embedded_schema, sql/schema.sql

    .section .note.GNU-stack, "", %progbits
