/* Why a run of a statement is scored row by row. The names are what lstm_stats() shows. */
#ifndef EXT_REFUSAL_H
#define EXT_REFUSAL_H

enum refusal {
    REFUSED_NOT,
    REFUSED_STATEMENT,  /* the calling statement cannot be told from others that are under way */
    REFUSED_WRITER,     /* another statement that writes is under way */
    REFUSED_FORM,       /* no SELECT can be made of the statement */
    REFUSED_PARAMETERS, /* its values are too long, infinite, or not to be had */
    REFUSED_PREPARE,    /* the SELECT cannot be prepared or explained */
    REFUSED_NOT_CALLED, /* the SELECT does not call us: a trigger or a constraint does */
    REFUSED_FUNCTION,   /* it calls a function that may have side effects, or is random */
    REFUSED_VIRTUAL,    /* it reads a virtual table */
    REFUSED_RECURSION,
    REFUSED_SCANS,     /* it scans a table for every row of another */
    REFUSED_TEMPORARY, /* it sorts, within a transaction that has written: its failure would undo
                          that */
    REFUSED_HEAP,      /* a hard heap limit is set */
    REFUSED_SAVEPOINT, /* no savepoint can be opened */
    REFUSED_BUDGET,    /* for the time being: reading ahead would cost more than it is worth */
    REFUSED_UNUSED,    /* what was read ahead was not used */
    REFUSED_MEMORY,    /* none for the run's state, or cache_mb is used up */
    REFUSALS
};

#endif
